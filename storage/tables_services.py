"""Tables about services: where each one is active, as a record.

Belongs here: shapes and constraints, as in `tables.py`, whose metadata they share. Does not belong here: statements.
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from storage.tables import metadata
from storage.types import UtcTime

# Every move of a service to a site, numbered per service; the last one says where it is active now.
placements = Table(
    "placements",
    metadata,
    Column("service", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("site", Text, nullable=False),
    Column("was", Text),  # where it was active before; None: nothing said so
    Column("run", Text, nullable=False),  # outlives the run when its incident is pruned
    Column("step", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
)
