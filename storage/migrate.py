"""Bringing a database to the schema of this version: `upgrade`, and asking where it stands.

Belongs here: running alembic from inside the package, one migrator at a time. Does not belong here: the changes
themselves (storage/migrations/versions). All of it blocks: from a coroutine call `asyncio.to_thread(upgrade, url)`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from storage.db import Unreachable

SCRIPTS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x6D7573746572  # "muster"
_one_at_a_time = threading.Lock()  # alembic keeps its running migration in module globals


def upgrade(url: str) -> str:
    """Bring the database to the newest revision, all of it or nothing, and return that revision.

    Two pods that start at once do it one after the other (advisory lock on PostgreSQL, the write lock on SQLite).
    Raises Unreachable when the database does not answer, ValueError for one in memory (nobody else could see it).
    """
    with _one_at_a_time, _connection(url, lock=True) as conn:
        command.upgrade(_config(conn), "head")
    return head()


def current(url: str) -> str | None:
    """The revision the database is at, None for an empty one. Raises Unreachable."""
    file = make_url(url).database if make_url(url).get_backend_name() == "sqlite" else None
    if file and not Path(file).exists():
        return None  # asking must not create it
    with _connection(url, lock=False) as conn:
        return MigrationContext.configure(conn).get_current_revision()


def pending(url: str) -> bool:
    """Whether `upgrade` would change anything. Raises Unreachable."""
    return current(url) != head()


def head() -> str:
    """The newest revision this version knows."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None, "the package holds no migration"
    return found


def _config(conn: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    return config


@contextlib.contextmanager
def _connection(url: str, *, lock: bool) -> Iterator[Connection]:
    """One connection of its own in one transaction, holding the migration lock if asked."""
    engine = _engine(url)
    try:
        with engine.connect() as conn, conn.begin():
            if lock and conn.dialect.name == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            yield conn
    except OperationalError as error:
        if _answered(error):
            raise
        reason = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
        raise Unreachable(f"The database did not answer: {reason[0]}") from error
    finally:
        engine.dispose()


def _answered(error: OperationalError) -> bool:
    """Whether a database answered at all, so that the statement is what is wrong."""
    if getattr(error.orig, "sqlstate", None):
        return True
    words = str(error.orig)
    return "syntax error" in words or "no such" in words or "already exists" in words


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        options: dict[str, Any] = {"connect_args": {"connect_timeout": 5}, "poolclass": NullPool}
        return create_engine(parsed.set(drivername="postgresql+psycopg"), **options)
    if not parsed.database or parsed.database == ":memory:":
        raise ValueError("a database in memory belongs to one connection: nobody else can migrate it")
    Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed.set(drivername="sqlite"), connect_args={"timeout": 60}, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _plain(dbapi: Any, record: Any) -> None:
        dbapi.isolation_level = None  # the driver's own mode commits before DDL
        dbapi.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
