"""Tables about alerts that came in: the triage cards they stand on, and the alerts themselves.

Belongs here: shapes and constraints, as in `tables.py`, whose metadata they share. Does not belong here: statements.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from storage.tables import metadata
from storage.types import UtcTime

# One card of alerts that belong together. state: open, declared, joined, dismissed, cleared.
triage = Table(
    "triage",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("source", Text, nullable=False),  # alertmanager, pagerduty, or the name of a hook
    Column("grp", Text, nullable=False),  # what its alerts have in common
    Column("title", Text, nullable=False),
    Column("url", Text),
    Column("service", Text),
    Column("severity", Text),
    Column("state", Text, nullable=False),
    Column("incident", Text),
    Column("by", Text),  # who decided: a person, or muster
    Column("opened_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("by_itself", Boolean, nullable=False),  # it opened its incident without a person
    Column("note", Text),  # why it did not open one by itself
    Index("ix_triage_grp", "grp", "state"),
    Index("ix_triage_incident", "incident"),
    Index("ix_triage_state", "state", "number"),
    Index("ix_triage_opened", "opened_at"),
)

# Each alert as it was last told. at: of this occurrence, by its source's own clock. triage: none where it had ended
# before anybody heard of it.
alerts = Table(
    "alerts",
    metadata,
    Column("source", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("triage", Text, ForeignKey("triage.id")),
    Column("title", Text, nullable=False),
    Column("url", Text),
    Column("page", Text),  # PagerDuty's incident, where it is one
    Column("state", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("told_at", UtcTime, nullable=False),
    Index("ix_alerts_triage", "triage", "state"),
)
