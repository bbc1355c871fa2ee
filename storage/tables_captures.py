"""The table of messages that people put on timelines.

Belongs here: its shape, as in `tables.py`, whose metadata it shares. Does not belong here: statements, and no text:
what a message says stands in `texts` only, where it can be erased.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from storage.tables import metadata
from storage.types import UtcTime

# state: kept, removed (nobody marks it any more), deleted (in Slack). event: that kept it; last: that holds its words.
captures = Table(
    "captures",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("ts", Text, primary_key=True),
    Column("incident", Text, ForeignKey("incidents.id"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("event", Integer, nullable=False),
    Column("last", Integer),
    Column("at", UtcTime, nullable=False),
)
