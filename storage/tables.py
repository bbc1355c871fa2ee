"""Every table, once. Migrations are generated from here; `tests/storage/test_migrations.py` holds them equal.

Belongs here: shapes and constraints of the first schema, on one page (longer than a file should be: they refer to each
other); later ones stand in tables_<noun>.py. Does not belong here: statements (each noun's own module has them).
Names and free texts of people stand in columns that may be erased; the chain (`events`) holds only opaque ids and
salted hashes of texts.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from storage.types import UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# --- the record -----------------------------------------------------------------------------------------------------

streams = Table(
    "streams",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("at", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("stream", Text, ForeignKey("streams.name"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("format", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("source_at", Text),
    Column("claimed_by", Text),
    Column("actor", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint("seq > 0", name="seq_positive"),
)

texts = Table(
    "texts",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("salt", Text),
    Column("text", Text),
    Column("erased_at", UtcTime),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("body", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

# --- incidents ------------------------------------------------------------------------------------------------------

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("service", Text),
    Column("site", Text),
    Column("declared_by", Text, nullable=False),
    Column("declared_at", UtcTime, nullable=False),
    Column("detected_at", UtcTime),
    Column("acknowledged_at", UtcTime),
    Column("acknowledged_by", Text),
    Column("decided_at", UtcTime),
    Column("restored_at", UtcTime),
    Column("resolved_at", UtcTime),
    Column("ended_by", Text),
    Column("resolution", Text),
    Column("latest_update", Text),
    Column("latest_update_at", UtcTime),
    Column("latest_update_status", Text),
    Column("update_due_at", UtcTime),
    Column("facts", JSON, nullable=False),
    Column("origin_channel", Text),
    Column("revision", Integer, nullable=False),
    Index("ix_incidents_status", "status"),
)

roles = Table(
    "roles",
    metadata,
    Column("incident", Text, ForeignKey("incidents.id"), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("interim", Boolean, nullable=False),
    Column("since", UtcTime, nullable=False),
)

# --- runs -----------------------------------------------------------------------------------------------------------

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("incident", Text, ForeignKey("incidents.id")),
    Column("playbook", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("kind", Text, nullable=False),
    Column("service", Text),
    Column("site", Text),
    Column("active_site", Text),  # where its service was active when it was asked for
    Column("requester", Text, nullable=False),
    Column("requester_account", Text),
    Column("editors", JSON, nullable=False),
    Column("ask", Text),
    Column("shown", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("stop_asked", Text),
    Column("fence", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", UtcTime),
    Column("ready_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("stream", "number"),
    Index("ix_runs_ready", "state", "ready_at"),
    Index("ix_runs_incident", "incident"),
)

steps = Table(
    "steps",
    metadata,
    Column("run", Text, ForeignKey("runs.id"), primary_key=True),
    Column("idx", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("uses", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("phase", Text),
    Column("grp", Text),
    Column("lane", Text),
    Column("risk", Integer, nullable=False),
    Column("on_failure", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("key", Text),
    Column("params", JSON),
    Column("plan", JSON),
    Column("outputs", JSON),
    Column("question", JSON),
    Column("answer", JSON),
    Column("note", Text),
    Column("error", Text),
    Column("requesters", JSON, nullable=False),
    Column("approval", Text),
    Column("started_by", Text),
    Column("started_at", UtcTime),
    Column("done_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("deadline", UtcTime),
    Column("wake_at", UtcTime),
    Column("undone_by", Text),  # the run that was asked to take it back
    Column("accepted_by", Text),  # the person who lets what it changed stay
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run", Text, ForeignKey("runs.id"), nullable=False),
    Column("idx", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("covers", JSON, nullable=False),
    Column("rule", JSON, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("barred", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("decided_at", UtcTime),
    Column("reason", Text),
    Column("paged", JSON, nullable=False),
    Column("mode", Text, nullable=False, server_default="quorum"),  # quorum, contain, break-glass
    Column("overrides", JSON),  # break-glass: the rules set aside, by name
    Index("ix_approvals_run", "run", "idx"),
    Index("ix_approvals_open", "state", "expires_at"),
)

votes = Table(
    "votes",
    metadata,
    Column("approval", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("choice", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("reason", Text),
    Column("believed_at", UtcTime),
    Column("proof", Text),  # how the person proved who they are, beyond the account: totp
    Column("at", UtcTime, nullable=False),
)

locks = Table(
    "locks",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("run", Text, ForeignKey("runs.id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
)

# --- people ---------------------------------------------------------------------------------------------------------

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text),
    Column("email", Text),
    Column("created_at", UtcTime, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id")),
    Column("state", Text, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("believed_at", UtcTime),
    Column("first_seen_at", UtcTime, nullable=False),
    Index("ix_accounts_person", "person"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("grp", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("source", Text, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("added_by", Text),
    Column("confirmed", Boolean, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

oncall = Table(
    "oncall",
    metadata,
    Column("policy", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("level", Integer, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

refreshes = Table(
    "refreshes",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("error", Text),
)

policies = Table(
    "policies",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("sections", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("adopted_at", UtcTime),
)

# --- the doors ------------------------------------------------------------------------------------------------------

inbox = Table(
    "inbox",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("values", JSON, nullable=False),
    Column("account_kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("team", Text),
    Column("channel", Text),
    Column("message_ts", Text),
    Column("response_url", Text),
    Column("via", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text),
    Column("lease_until", UtcTime),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("received_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Index("ix_inbox_state", "state", "received_at"),
)

replies = Table(
    "replies",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ask", Text),
    Column("account_kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("channel", Text),
    Column("body", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", UtcTime, nullable=False),
    Column("owner", Text),
    Column("lease_until", UtcTime),
    Column("route", Text),
    Column("error", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Index("ix_replies_due", "state", "not_before"),
)

cards = Table(
    "cards",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("channel", Text),
    Column("ts", Text),
    Column("stream", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("shown", Integer, nullable=False),
    Column("shown_hash", Text),
    Column("state", Text, nullable=False),
    Column("posting_key", Text),
    Column("attempts", Integer, nullable=False),
    Column("not_before", UtcTime, nullable=False),
    Column("error", Text),
    Index("ix_cards_due", "state", "not_before"),
)

timers = Table(
    "timers",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("due_at", UtcTime, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Index("ix_timers_due", "state", "due_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("until", UtcTime, nullable=False),
)

replicas = Table(
    "replicas",
    metadata,
    Column("name", Text, primary_key=True),
    Column("started_at", UtcTime, nullable=False),
    Column("heartbeat_at", UtcTime, nullable=False),
    Column("loop_lag_s", Float, nullable=False),
)
