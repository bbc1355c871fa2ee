"""Table of who is signed in to the pages: one row a browser.

Belongs here: shapes and constraints, as in `tables.py`, whose metadata they share. Does not belong here: statements.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from storage.tables import metadata
from storage.types import UtcTime

# Only digests of the cookies are kept: whoever reads this table can sign in as nobody.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("former", Text),  # digest of the cookie before this one, good until `former_until`
    Column("former_until", UtcTime),
    Column("account", Text, nullable=False),  # Slack, "T1/U1": whose it is now is asked of the directory each time
    Column("csrf", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("rotated_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_sessions_account", "account"),
    Index("ix_sessions_former", "former"),
)
