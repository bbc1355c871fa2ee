"""PostgreSQL databases of services (not Muster's own): looking and acting through psycopg 3 and PostgreSQL's programs.

Belongs here: joining the nouns, one module each (`postgres_<noun>.py`). Does not belong here: connecting and errors
(postgres_line.py), Muster's own database (storage). Methods raise Temporary, Refused or Uncertain of playbooks.errors.
"""

from __future__ import annotations

from playbooks.connectors.postgres_copies import Copy, CopyActs, CopyReads
from playbooks.connectors.postgres_databases import Scratch, Switch
from playbooks.connectors.postgres_replication import Follower, ReplicationActs, ReplicationReads, Server, Standby
from playbooks.connectors.postgres_sessions import Session, SessionActs, SessionReads
from playbooks.connectors.postgres_tables import AuditLog, AuditRows, Counted, Marker, TableActs, TableReads, TableSeen

__all__ = [
    "AuditLog", "AuditRows", "Copy", "Counted", "Follower", "Marker", "Postgres", "PostgresReads", "Scratch",
    "Server", "Session", "Standby", "Switch", "TableSeen",
]  # fmt: skip


class PostgresReads(CopyReads, ReplicationReads, SessionReads, TableReads):
    """What can be asked of a database.

    Settings: connect_timeout, statement_timeout (seconds); dumps: the folder of dump files; programs: the folder of
    pg_dump, pg_restore and psql, "" is PATH.
    """

    acting = False


class Postgres(PostgresReads, CopyActs, ReplicationActs, SessionActs, TableActs):
    """What can be done to a database."""

    acting = True
