"""The database: one way to write, one way to read, on SQLite and PostgreSQL.

A transaction's work is a plain function `work(tx) -> T`, never a coroutine: it cannot await, so it cannot hold a
transaction across an outside call (docs/decisions/0001). It runs in a thread, one hop per transaction: on SQLite in the
one writer's (BEGIN IMMEDIATE, WAL, synchronous=FULL), on PostgreSQL in one of as many as there are connections.

Belongs here: engines, transactions, retries of lost races, hints that rows changed. Not: tables or statements.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from storage.types import DbNow

T = TypeVar("T")
Work = Callable[["Tx"], T]
log = structlog.get_logger(__name__)

# serialization_failure, deadlock_detected, idle_in_transaction_session_timeout: PostgreSQL ended our transaction; the
# work has had no effect.
_LOST_RACE = ("40001", "40P01", "25P03")
_SQLITE_DOWN = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_READONLY")
RACES = 5
# A replica that is stopped or cut off inside a transaction holds row locks that nobody could take over from.
IDLE_IN_TRANSACTION_S = 3
CHANNEL = "muster"
READERS = 5
DOORS = 2  # connections nobody but the doors uses: an acknowledgement never waits for work that waits for a lock
StatementFailed = DBAPIError  # what a broken statement raises, for those who say in words what that means
_NO_EFFECT = "nothing was committed"
_SNAPSHOT: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_NOTIFY = text("SELECT pg_notify(:channel, :topics)")
_NOW = select(DbNow())


class Unreachable(Exception):
    """The database did not answer. What was asked is not stored; the caller says so or tries again."""


class Tx:
    """One open transaction, handed to work functions. `now` is the database clock, read once per transaction."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.sqlite = conn.dialect.name == "sqlite"
        self.hints: set[str] = set()
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        """Database time, UTC, the same through the whole transaction."""
        if self._now is None:
            self._now = self.conn.execute(_NOW).scalar_one()
        return self._now

    def hint(self, topic: str) -> None:
        """Tell listeners after the commit that rows of this topic changed: runs, inbox, replies, cards, timers."""
        self.hints.add(topic)


class Database:
    """Handle on one database. url: `sqlite:///file.db`, `sqlite://` (memory) or `postgresql://...`.

    Raises Unreachable when the database cannot be reached; other errors are programming errors and pass through.
    """

    def __init__(self, url: str, *, pool: int = 10) -> None:
        parsed = make_url(url)
        self.url = url
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self._listeners: list[Callable[[str], None]] = []
        if self.sqlite:
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = _sqlite_engine(str(parsed.set(drivername="sqlite")), readers=pool)
            self._writers = ThreadPoolExecutor(1, thread_name_prefix="database-writer")
            memory = not parsed.database or parsed.database == ":memory:"
            self._readers = self._writers if memory else ThreadPoolExecutor(4, thread_name_prefix="database-reader")
            self._doors = self._writers
        else:
            self._engine = _postgresql_engine(parsed, connections=pool + READERS + DOORS)
            self._writers = ThreadPoolExecutor(pool, thread_name_prefix="database-writer")
            self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="database-reader")
            self._doors = ThreadPoolExecutor(DOORS, thread_name_prefix="database-door")

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener(topic)` in this process after each commit that hinted a topic. A hint, never the truth."""
        self._listeners.append(listener)

    async def write(self, work: Work[T], *, door: bool = False) -> T:
        """Run `work` in one transaction and commit; all of it or nothing. Lost races are run again, RACES times.

        door: somebody outside waits for nothing but this commit; on PostgreSQL it has connections of its own.
        """
        for attempt in range(RACES):
            try:
                result, hints = await self._write_once(work, door)
            except DBAPIError as error:
                if _undone(error) and attempt + 1 < RACES:
                    log.debug("database.race_lost", attempt=attempt + 1)
                    await asyncio.sleep(0.005 * (attempt + 1))
                    continue
                raise _unreachable(error) from error
            except (OSError, TimeoutError, NoConnectionFree, psycopg.OperationalError) as error:
                raise Unreachable(f"The database did not answer: {type(error).__name__}") from error
            for topic in hints:
                for listener in self._listeners:
                    listener(topic)
            return result
        raise AssertionError("unreachable: the last race raises")

    async def _write_once(self, work: Work[T], door: bool = False) -> tuple[T, set[str]]:
        threads = self._doors if door else self._writers
        return await asyncio.get_running_loop().run_in_executor(threads, self._in_transaction, work)

    def _in_transaction(self, work: Work[T]) -> tuple[T, set[str]]:
        with self._engine.connect() as fresh:
            conn = fresh.execution_options(muster_begin="IMMEDIATE") if self.sqlite else fresh
            with conn.begin(), _before_commit():
                tx = Tx(conn)
                result = work(tx)
                if tx.hints and not self.sqlite:
                    conn.execute(_NOTIFY, {"channel": CHANNEL, "topics": " ".join(sorted(tx.hints))})
                return result, tx.hints

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a consistent snapshot; it must not write. A look the server ended is taken once more."""
        try:
            return await self._read_once(work)
        except DBAPIError as error:
            if not (_undone(error) or _cut(error)):  # a look has no effect, also one cut while it is ended
                raise _unreachable(error) from error
        try:
            return await self._read_once(work)
        except DBAPIError as error:
            raise _unreachable(error) from error

    async def _read_once(self, work: Work[T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._looking, work)
        except (OSError, TimeoutError, NoConnectionFree, psycopg.OperationalError) as error:
            raise Unreachable(f"The database did not answer: {type(error).__name__}") from error

    def _looking(self, work: Work[T]) -> T:
        with self._engine.connect() as fresh:
            conn = fresh if self.sqlite else fresh.execution_options(**_SNAPSHOT)
            with conn.begin(), _before_commit():
                return work(Tx(conn))

    async def notifications(self) -> AsyncGenerator[str]:
        """Topics other processes hinted (PostgreSQL LISTEN). Ends with the connection: listen again, then look.

        Whoever ends earlier closes it (`contextlib.aclosing`): the connection is closed then, not when it is collected.
        """
        if self.sqlite:
            return
        url = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as conn:
                await conn.execute(f"LISTEN {CHANNEL}")
                async for note in conn.notifies():
                    for topic in note.payload.split():
                        yield topic
        except psycopg.OperationalError as error:
            raise Unreachable(f"The database stopped listening: {type(error).__name__}") from error

    async def close(self) -> None:
        """Let running work end, then close all connections."""
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        """Threads first: where a caller was cancelled one still works, and brings its connection back."""
        for threads in (self._doors, self._writers, self._readers):
            threads.shutdown(wait=True)
        self._engine.dispose()


@contextlib.contextmanager
def _before_commit() -> Iterator[None]:
    """Mark what fails in here: nothing was committed, so the work has had no effect and may be run again."""
    try:
        yield
    except DBAPIError as error:
        error.add_note(_NO_EFFECT)
        raise


def _undone(error: DBAPIError) -> bool:
    """Whether the work certainly had no effect and is worth another try: a race lost, or a connection that was cut (by
    a restarted server, or for idling) before the commit was sent."""
    return _sqlstate(error) in _LOST_RACE or (_cut(error) and _NO_EFFECT in getattr(error, "__notes__", ()))


def _cut(error: DBAPIError) -> bool:
    return isinstance(error.orig, psycopg.OperationalError) and _is_lost(error.orig, _sqlstate(error))


def _limit_idling(dbapi: Any, record: Any) -> None:
    """Let the server end a transaction whose client has gone silent: its work is undone, its locks are free."""
    cursor = dbapi.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_S}s'")
    cursor.close()
    dbapi.commit()


def _postgresql_engine(url: URL, *, connections: int) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        # A server that vanished from the network is given up in seconds, not in the two hours of TCP's own patience.
        connect_args={"connect_timeout": 5, "tcp_user_timeout": 10_000, "keepalives_idle": 5, "keepalives_interval": 2},
    )
    event.listen(engine, "connect", _limit_idling)
    return engine


def _sqlite_engine(url: str, *, readers: int) -> Engine:
    options: dict[str, Any] = {"connect_args": {"timeout": 30, "check_same_thread": False}}
    if ":memory:" not in url and url != "sqlite://":
        options |= {"pool_size": readers, "max_overflow": readers}
    engine = create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def _pragmas(dbapi: Any, record: Any) -> None:
        dbapi.isolation_level = None  # we say BEGIN ourselves: the driver's own mode loses updates (contract F2)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        mode = conn.get_execution_options().get("muster_begin", "DEFERRED")
        conn.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _unreachable(error: DBAPIError) -> Exception:
    """Connection failures become Unreachable; a broken statement or constraint stays what it is."""
    lost = error.connection_invalidated or _is_lost(error.orig, _sqlstate(error))
    if not lost:
        return error
    reason = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
    return Unreachable(f"The database did not answer: {reason}")


def schemaless(error: Exception) -> bool:
    """Whether a statement failed because the database has not this version's tables and columns."""
    if not isinstance(error, StatementFailed):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return str(error.orig).startswith(("no such table", "no such column"))
    return _sqlstate(error) in ("42P01", "42703")  # undefined_table, undefined_column


def _is_lost(cause: object, state: str | None) -> bool:
    """No SQLSTATE on psycopg's OperationalError means that there was no server to give one."""
    if isinstance(cause, sqlite3.Error):
        return str(getattr(cause, "sqlite_errorname", "")).startswith(_SQLITE_DOWN)
    if isinstance(cause, psycopg.errors.IdleInTransactionSessionTimeout):
        return True
    if isinstance(cause, psycopg.OperationalError):
        return state is None or state.startswith(("08", "57P", "53"))
    return False


@contextlib.contextmanager
def savepoint(tx: Tx) -> Any:
    """A part of a transaction that may fail alone (used by group commit: one bad ask does not lose the others)."""
    with tx.conn.begin_nested():
        yield
