"""Tables of what guards the record and the quorum: decisions of two people, factors, reviews, anchors, holds, escrow.

Belongs here: shapes and constraints, as in `tables.py`, whose metadata they share. Does not belong here: statements.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from storage.tables import metadata
from storage.types import UtcTime

# What needs a second person and is no step of a run: a policy change, joining two accounts, redacting a text, ...
decisions = Table(
    "decisions",
    metadata,
    Column("id", Text, primary_key=True),  # "D-7"
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", JSON, nullable=False),
    Column("digest", Text, nullable=False),
    Column("rule", JSON, nullable=False),
    Column("stream", Text, nullable=False),
    Column("asked_by", Text),  # a person; None: Muster itself (a changed file)
    Column("state", Text, nullable=False),  # open, done, denied, expired, void
    Column("opened_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("decided_at", UtcTime),
    Column("reason", Text),
    Index("ix_decisions_state", "state", "expires_at"),
    Index("ix_decisions_subject", "kind", "subject"),
)

decision_votes = Table(
    "decision_votes",
    metadata,
    Column("decision", Text, ForeignKey("decisions.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("choice", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("reason", Text),
    Column("proof", Text),
    Column("at", UtcTime, nullable=False),
)

# One TOTP factor per person. `secret` is sealed with MUSTER_KEY; the code's time step is kept so that it is good once.
factors = Table(
    "factors",
    metadata,
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("state", Text, nullable=False),  # pending, active, revoked
    Column("last_step", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("confirmed_at", UtcTime),
)

# A code that was right, for one ask: the code itself is never stored.
proofs = Table(
    "proofs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("method", Text, nullable=False),
    Column("ask", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)

# An enrolled command line: only the digest of its token is kept.
credentials = Table(
    "credentials",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("label", Text, nullable=False),
    Column("role", Text, nullable=False),  # person, auditor
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime),
    Column("revoked_at", UtcTime),
)

# What one person did alone and a second one must look at by a time: break-glass, contain.
reviews = Table(
    "reviews",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # break-glass, contain
    Column("approval", Text, ForeignKey("approvals.id"), nullable=False, unique=True),
    Column("run", Text, ForeignKey("runs.id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),  # open, accepted, objected
    Column("reviewed_by", Text),
    Column("reviewed_at", UtcTime),
    Column("reason", Text),
    Index("ix_reviews_state", "state", "due_at"),
)

anchors = Table(
    "anchors",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("place", Text, primary_key=True),  # slack, file, s3
    Column("hash", Text, nullable=False),
    Column("ref", Text),
    Column("run", Text),
    Column("at", UtcTime, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("since", UtcTime, primary_key=True),
    Column("asked_by", Text, nullable=False),
    Column("decision", Text, ForeignKey("decisions.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", UtcTime),
)

pruned = Table(
    "pruned",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("sha256", Text, nullable=False),  # of the export made before
    Column("file", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

# Who an erased person was, for as long as approvals they gave must be answerable. Read only with an event.
escrow = Table(
    "escrow",
    metadata,
    Column("person", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("erased_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("opened", Boolean, nullable=False),
)
