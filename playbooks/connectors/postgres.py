"""PostgreSQL databases of services (not Muster's own): short, read-only looks through psycopg 3.

Belongs here: connecting with a revealed DSN, and saying what is wrong without ever repeating it. Does not belong here:
Muster's own database (storage).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql

from playbooks.connectors.answers import CONNECT_S, READ_S, ServiceRefused, no_answer, unreachable
from playbooks.connectors.threads import Threads
from playbooks.errors import MusterError
from playbooks.secrets import SecretRef, reveal

# libpq's own words, where they are safe to show. Its full message holds host, user and parts of a broken DSN.
UNREACHABLE = {
    "connection refused": "connection refused",
    "timeout expired": "no connection in time",
    "could not translate host name": "its host name does not resolve",
    "name or service not known": "its host name does not resolve",
    "server closed the connection": "it closed the connection",
    "no route to host": "no route to its host",
    "starting up": "it is starting up",
    "shutting down": "it is shutting down",
    "too many": "it has too many connections",
}
REFUSED = {
    "password authentication failed": ("28P01", "the password is wrong"),
    "no password supplied": ("28000", "it wants a password"),
    "does not exist": ("3D000", "that database or role does not exist"),
    "no pg_hba.conf entry": ("28000", "it does not let this address in"),
    "ssl": ("08001", "it wants another kind of encryption"),
    "certificate": ("08001", "its certificate is not trusted"),
}


@dataclass(frozen=True)
class TableSeen:
    """One table. rows: the planner's estimate, None when never analysed. problem: "" when it could be read."""

    name: str
    readable: bool
    has_rows: bool
    rows: int | None
    problem: str = ""


class PostgresReads:
    """What can be asked of a database. Settings: time-outs in seconds (connecting, one statement)."""

    vendor = "PostgreSQL"
    acting = False

    def __init__(self, *, connect_timeout: float = CONNECT_S, statement_timeout: float = READ_S) -> None:
        self._connect_timeout = connect_timeout
        self._statement_timeout = statement_timeout
        self._threads = Threads("secrets", 2)

    async def close(self) -> None:
        """Let go of threads; connections live only as long as a call."""
        self._threads.close()

    async def check_tables(self, dsn: SecretRef, tables: Sequence[str]) -> list[TableSeen]:
        """Read one row of each table ("orders", "sales.orders") in a read-only transaction.

        Raises Temporary when the database does not answer, Refused when it does not let us in. A table that cannot be
        read is an answer (`problem`), not an error.
        """
        limit = self._connect_timeout + self._statement_timeout * max(1, len(tables))
        failed: MusterError
        try:
            async with asyncio.timeout(limit):
                async with await self._connect(dsn) as connection:
                    return [await self._table(connection, name) for name in tables]
        except TimeoutError:
            failed = no_answer(self.vendor, f"{dsn}", "time-out", write=False)
        except psycopg.OperationalError as error:
            failed = no_answer(self.vendor, f"{dsn}", error.sqlstate or "the connection broke", write=False)
        raise failed  # out here, so that it keeps neither the broken line nor the revealed text alive

    async def _connect(self, dsn: SecretRef) -> psycopg.AsyncConnection[tuple[object, ...]]:
        """A read-only connection. Its errors are raised outside `except`, for the same reason as above."""
        failed: MusterError
        try:
            connection = await psycopg.AsyncConnection.connect(
                await self._threads.run(lambda: reveal(dsn), deadline_s=30.0),  # a secret store may block
                autocommit=True,
                prepare_threshold=None,
                connect_timeout=max(2, round(self._connect_timeout)),
            )
        except psycopg.Error as error:
            failed = _words(dsn, error)
        else:
            await connection.set_read_only(True)
            return connection
        raise failed

    async def _table(self, connection: psycopg.AsyncConnection[tuple[object, ...]], name: str) -> TableSeen:
        """One table in a transaction of its own, so that a bad one does not spoil the next."""
        table = sql.Identifier(*name.split("."))
        try:
            async with connection.transaction():
                limit = f"{round(self._statement_timeout * 1000)}ms"
                await connection.execute("SELECT set_config('statement_timeout', %s, true)", (limit,))
                first = await connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table))
                has_rows = await first.fetchone() is not None
                count = await connection.execute(
                    "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)", (table.as_string(connection),)
                )
                row = await count.fetchone()
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return TableSeen(name, False, False, None, "there is no such table")
        except errors.InsufficientPrivilege:
            return TableSeen(name, False, False, None, "this role may not read it")
        except errors.QueryCanceled:
            return TableSeen(name, False, False, None, f"no answer within {self._statement_timeout:g} s")
        except (psycopg.DataError, psycopg.InternalError, psycopg.ProgrammingError) as error:
            return TableSeen(name, False, False, None, f"cannot be read ({error.sqlstate})")
        rows = int(str(row[0])) if row else -1
        return TableSeen(name, True, has_rows, rows if rows >= 0 else None)


def _words(dsn: SecretRef, error: psycopg.Error) -> MusterError:
    """Why no connection came about, by the reference's address and our own words only."""
    said = str(error).lower()
    for part, words in UNREACHABLE.items():
        if part in said:
            return unreachable("PostgreSQL", f"{dsn}", words)
    for part, (code, words) in REFUSED.items():
        if part in said:
            todo = f"Check the value behind {dsn}."
            return ServiceRefused(
                "PostgreSQL", code, f"PostgreSQL at {dsn} refused the connection: {words}.", todo=todo
            )
    if isinstance(error, psycopg.ProgrammingError) or "invalid" in said:
        words = f"The value behind {dsn} is no PostgreSQL address."
        return ServiceRefused("PostgreSQL", "dsn", words, todo="Write postgresql://user:password@host/database.")
    return unreachable("PostgreSQL", f"{dsn}", "no connection")
