"""One line to a PostgreSQL database of a service: connecting with a revealed DSN, asking, and what its errors mean.

Belongs here: everything that sees a DSN or an error of psycopg. Their texts are never repeated: libpq's hold host,
user and parts of a broken DSN. Does not belong here: what is asked (`postgres_<noun>.py`). Part of `postgres.py`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from playbooks.connectors.answers import CONNECT_S, READ_S, Alive, ServiceRefused, no_answer, unreachable
from playbooks.connectors.threads import Threads
from playbooks.errors import MusterError
from playbooks.secrets import SecretRef, reveal

T = TypeVar("T")
GRACE_S = 0.5  # the server ends a statement by itself; this is for one that no longer answers
Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Work = Callable[[Connection], Awaitable[T]]

# libpq's own words, where they are safe to show.
UNREACHABLE = {
    "connection refused": "connection refused",
    "timeout expired": "no connection in time",
    "could not translate host name": "its host name does not resolve",
    "name or service not known": "its host name does not resolve",
    "server closed the connection": "it closed the connection",
    "no route to host": "no route to its host",
}
ALIVE = {
    "starting up": "it is starting up",
    "shutting down": "it is shutting down",
    "too many": "it has too many connections",
    "remaining connection slots": "it has too many connections",
}
REFUSED = {
    "password authentication failed": ("28P01", "the password is wrong"),
    "no password supplied": ("28000", "it wants a password"),
    "does not exist": ("3D000", "that database or role does not exist"),
    "no pg_hba.conf entry": ("28000", "it does not let this address in"),
    "ssl": ("08001", "it wants another kind of encryption"),
    "certificate": ("08001", "its certificate is not trusted"),
}
SAID = {
    "42501": "this role may not do that",
    "25006": "it only reads (a standby, or switched to read-only)",
    "55000": "it is not in a state for that",
    "55006": "others are using it",
    "42P01": "there is no such table",
    "42703": "there is no such column",
    "3F000": "there is no such schema",
    "3D000": "there is no such database",
    "42P04": "a database of that name exists already",
    "42704": "there is no such thing",
}
NOT_NOW = {"53300": "too many connections", "55P03": "a lock was not free in time", "40001": "others changed the same",
           "40P01": "a deadlock", "57P03": "it cannot be connected to now"}  # fmt: skip


class Line:
    """Lines to databases. Settings: time-outs in seconds (connecting, one statement unless told otherwise)."""

    vendor = "PostgreSQL"

    def __init__(self, *, connect_timeout: float = CONNECT_S, statement_timeout: float = READ_S) -> None:
        self._connect_timeout = connect_timeout
        self._statement_timeout = statement_timeout
        self._threads = Threads("secrets", 2)

    async def close(self) -> None:
        """Let go of threads; connections live only as long as a call."""
        self._threads.close()

    async def _read(self, dsn: SecretRef, work: Work[T], *, within: float | None = None, database: str = "") -> T:
        """Do work in one transaction that cannot write. within: seconds a statement; database: another one there."""
        limit = within or self._statement_timeout

        async def whole(line: Connection) -> T:
            async with line.transaction():
                await line.execute("SELECT set_config('statement_timeout', %s, true)", (_ms(limit),))
                return await work(line)

        return await self._over(dsn, whole, within=limit, database=database, write=False)

    async def _over(self, dsn: SecretRef, work: Work[T], *, within: float, database: str = "", write: bool = True) -> T:
        """Do work over one line, in autocommit. within: seconds for all of it once connected.

        Raises Temporary (nothing happened), Refused (nothing happened) or, for writes, Uncertain. Errors are raised
        outside `except`, so that they keep neither the broken line nor the revealed text alive.
        """
        failed: MusterError
        opened = False
        try:
            async with asyncio.timeout(self._connect_timeout + 1):
                line = await self._connect(dsn, database, write)
            opened = True
            async with line:
                return await _in_time(line, work, within + GRACE_S)
        except TimeoutError:
            failed = no_answer(self.vendor, f"{dsn}", "time-out", write=write and opened)
        except psycopg.Error as error:
            failed = said(dsn, error, write)
        raise failed

    async def _connect(self, dsn: SecretRef, database: str = "", write: bool = False) -> Connection:
        """A line of its own; one for reading cannot write."""
        failed: MusterError
        try:
            connection = await psycopg.AsyncConnection.connect(
                await self._revealed(dsn),
                autocommit=True,
                prepare_threshold=None,
                connect_timeout=max(2, round(self._connect_timeout)),
                dbname=database or None,
            )
        except psycopg.Error as error:
            failed = unconnected(dsn, error)
        else:
            await connection.set_read_only(not write)
            return connection
        raise failed

    async def _revealed(self, dsn: SecretRef) -> str:
        """The address behind the reference; a secret store may block."""
        return await self._threads.run(lambda: reveal(dsn), deadline_s=30.0)


async def _in_time(line: Connection, work: Work[T], seconds: float) -> T:
    """The work, or TimeoutError. Late or cancelled, the line is cut: psycopg would wait for the silent server again."""
    doing = asyncio.ensure_future(work(line))
    try:
        await asyncio.wait({doing}, timeout=seconds)
        if not doing.done():
            raise TimeoutError
        return doing.result()
    finally:
        if not doing.done():
            line.pgconn.finish()
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def said(dsn: SecretRef, error: psycopg.Error, write: bool) -> MusterError:
    """What an error after connecting means, by its SQLSTATE and our own words only."""
    state = error.sqlstate or ""
    if isinstance(error, errors.QueryCanceled):
        if not write:
            return Alive(f"PostgreSQL at {dsn} took too long and ended the statement.")
        return no_answer("PostgreSQL", f"{dsn}", "the statement was cancelled", write=write)
    if state in NOT_NOW:
        return Alive(f"PostgreSQL at {dsn} said not now ({NOT_NOW[state]}); nothing was done.")
    if not state and not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ServiceRefused("PostgreSQL", "client", f"PostgreSQL at {dsn} was not asked: {type(error).__name__}.")
    if not state or state[:2] in ("08", "57", "58", "XX"):
        return no_answer("PostgreSQL", f"{dsn}", state or "the connection broke", write=write)
    words = SAID.get(state) or re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()
    todo = "Grant the role behind that address what the step needs." if state == "42501" else ""
    return ServiceRefused("PostgreSQL", state, f"PostgreSQL at {dsn} refused: {words}.", todo=todo)


def unconnected(dsn: SecretRef, error: psycopg.Error) -> MusterError:
    """Why no connection came about, by the reference's address and our own words only."""
    return worded(dsn, str(error)) or (
        _no_address(dsn)
        if isinstance(error, psycopg.ProgrammingError)
        else unreachable("PostgreSQL", f"{dsn}", "no connection")
    )


def worded(dsn: SecretRef, text: str) -> MusterError | None:
    """What a text of libpq means, in our own words; None where it says nothing we know."""
    low = text.lower()
    for part, words in ALIVE.items():
        if part in low:
            return Alive(f"PostgreSQL could not be reached for {dsn} ({words}); nothing was done.")
    for part, words in UNREACHABLE.items():
        if part in low:
            return unreachable("PostgreSQL", f"{dsn}", words)
    for part, (code, words) in REFUSED.items():
        if part in low:
            message = f"PostgreSQL at {dsn} refused the connection: {words}."
            return ServiceRefused("PostgreSQL", code, message, todo=f"Check the value behind {dsn}.")
    return _no_address(dsn) if "invalid" in low else None


def _no_address(dsn: SecretRef) -> ServiceRefused:
    words = f"The value behind {dsn} is no PostgreSQL address."
    return ServiceRefused("PostgreSQL", "dsn", words, todo="Write postgresql://user:password@host/database.")
