"""Tables of a service's database: can they be read, how many rows, who did what, and markers. Part of `postgres.py`.

Belongs here: looks at rows, with names as identifiers and never as SQL, and the one table Muster itself writes there.
Does not belong here: what the numbers should be.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors, sql

from playbooks.connectors.answers import short
from playbooks.connectors.postgres_line import Connection, Line
from playbooks.secrets import SecretRef

MARKERS = "muster_markers"
CREATE_MARKERS = """CREATE TABLE IF NOT EXISTS muster_markers (
  id text PRIMARY KEY, written_at timestamptz NOT NULL DEFAULT clock_timestamp(), note text NOT NULL DEFAULT '')"""
ADD_MARKER = "INSERT INTO muster_markers (id, note) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING"
READ_MARKER = "SELECT id, written_at, pg_current_wal_lsn()::text FROM muster_markers WHERE id = %s"
NEWEST_MARKER = """SELECT id, written_at FROM muster_markers
WHERE %s IN ('', id) AND written_at <= coalesce(%s, 'infinity'::timestamptz) ORDER BY written_at DESC LIMIT 1"""
# A row's text must not depend on who asks, or from where.
SAME_TEXT = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; " \
            "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"  # fmt: skip
SUM = "coalesce(sum(('x' || left(encode(sha256(convert_to(t::text, 'UTF8')), 'hex'), 15))::bit(60)::bigint), 0)"
# Columns whose values are never shown, and what a secret looks like in the others.
SECRET_NAMES = re.compile(r"pass|secret|token|authorization|cookie|private|signature|credential|card|cvv|iban", re.I)
SECRETS = re.compile(
    r"(?:sk|pk|rk|ghp|gho|ghs|xox[abpr])[_-][\w-]{8,}|(?:Bearer|Basic)\s+\S+|eyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|://[^/\s:@]+:[^/\s@]+@|\b[0-9a-fA-F]{32,}\b|\b(?:\d[ -]?){13,19}\b|[\w.+-]+@[\w-]+\.[\w.]+"
)
SHOWN = 120  # characters of one value


@dataclass(frozen=True)
class TableSeen:
    """One table. rows: the planner's estimate, None when never analysed. problem: "" when it could be read."""

    name: str
    readable: bool
    has_rows: bool
    rows: int | None
    problem: str = ""


@dataclass(frozen=True)
class Counted:
    """One table, exactly. rows, checksum: None where there is a problem; checksum also where none was asked for."""

    name: str
    rows: int | None
    checksum: str | None
    problem: str = ""


@dataclass(frozen=True)
class AuditLog:
    """Where an audit log stands and what of it is shown. key: column of the key used, "" where there is none."""

    table: str
    time: str
    actor: str
    key: str
    show: tuple[str, ...]


@dataclass(frozen=True)
class AuditRows:
    """What was found. total: all rows that fit; rows: the first of them, redacted; first, last: of all (UTC)."""

    total: int
    first: datetime | None
    last: datetime | None
    actors: int
    rows: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Marker:
    """A row that says when it was written. position: of the log right after it, "" where it was only read."""

    id: str
    written_at: datetime
    position: str = ""


def identifier(name: str) -> sql.Identifier:
    """ "sales.orders" -> the table, quoted."""
    return sql.Identifier(*name.split("."))


def shown(column: str, value: Any) -> str:
    """A value of an audit log as it may be shown: short, without secrets, addresses and card numbers."""
    if value is None:
        return ""
    if SECRET_NAMES.search(column):
        return "[redacted]"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return short(SECRETS.sub("[redacted]", text), SHOWN)


class TableReads(Line):
    """What can be asked about tables."""

    async def check_tables(self, dsn: SecretRef, tables: Sequence[str]) -> list[TableSeen]:
        """Read one row of each table ("orders", "sales.orders") in a read-only transaction.

        Raises Temporary when the database does not answer, Refused when it does not let us in. A table that cannot be
        read is an answer (`problem`), not an error.
        """

        async def look(line: Connection) -> list[TableSeen]:
            return [await self._table(line, name) for name in tables]

        within = self._statement_timeout * max(1, len(tables))
        return await self._over(dsn, look, within=within, write=False)

    async def _table(self, line: Connection, name: str) -> TableSeen:
        """One table in a transaction of its own, so that a bad one does not spoil the next."""
        table = identifier(name)
        try:
            async with line.transaction():
                limit = f"{round(self._statement_timeout * 1000)}ms"
                await line.execute("SELECT set_config('statement_timeout', %s, true)", (limit,))
                first = await line.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table))
                has_rows = await first.fetchone() is not None
                count = await line.execute(
                    "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)", (table.as_string(line),)
                )
                row = await count.fetchone()
        except psycopg.Error as error:
            return TableSeen(name, False, False, None, _problem(error, self._statement_timeout))
        rows = int(row[0]) if row else -1
        return TableSeen(name, True, has_rows, rows if rows >= 0 else None)

    async def count_tables(
        self, dsn: SecretRef, tables: Sequence[str], *, checksums: bool, within: float, database: str = ""
    ) -> list[Counted]:
        """Exact rows, and a checksum that does not depend on their order, of one moment. within: seconds per table."""

        async def look(line: Connection) -> list[Counted]:
            async with line.transaction():
                await line.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                await line.execute(SAME_TEXT)
                await line.execute("SELECT set_config('statement_timeout', %s, true)", (f"{round(within * 1000)}ms",))
                return [await _count(line, name, checksums, within) for name in tables]

        whole = within * max(1, len(tables))
        return await self._over(dsn, look, within=whole, database=database, write=False)

    async def audit_rows(
        self, dsn: SecretRef, log: AuditLog, *, since: datetime, until: datetime, actor: str, key: str, limit: int
    ) -> AuditRows:
        """Entries of an audit log between two times (UTC, until excluded), oldest first. actor, key: "" is any."""
        where = [sql.SQL("{} >= %s AND {} < %s").format(sql.Identifier(log.time), sql.Identifier(log.time))]
        values: list[Any] = [since, until]
        for column, value in ((log.actor, actor), (log.key, key)):
            if column and value:
                where.append(sql.SQL("{}::text = %s").format(sql.Identifier(column)))
                values.append(value)
        asked = {
            "table": identifier(log.table), "time": sql.Identifier(log.time), "where": sql.SQL(" AND ").join(where),
            "actor": sql.Identifier(log.actor), "show": sql.SQL(", ").join(map(sql.Identifier, log.show)),
        }  # fmt: skip
        count = sql.SQL("SELECT count(*), min({time}), max({time}), count(DISTINCT {actor}) FROM {table} WHERE {where}")
        rows = sql.SQL("SELECT {show} FROM {table} WHERE {where} ORDER BY {time} LIMIT {limit}")

        async def look(line: Connection) -> AuditRows:
            total = await (await line.execute(count.format(**asked), values)).fetchone()
            assert total is not None
            found = await line.execute(rows.format(**asked, limit=sql.Literal(limit)), values)
            said = [{one: shown(one, value) for one, value in zip(log.show, row, strict=True)} async for row in found]
            return AuditRows(int(total[0]), total[1], total[2], int(total[3]), tuple(said))

        return await self._read(dsn, look)

    async def newest_marker(self, dsn: SecretRef, id: str = "", until: datetime | None = None) -> Marker | None:
        """The marker of that id, or the newest written by `until`; None without one, also where there is no table."""

        async def look(line: Connection) -> Marker | None:
            there = await (await line.execute("SELECT to_regclass(%s) IS NOT NULL", (MARKERS,))).fetchone()
            if not (there and there[0]):
                return None
            row = await (await line.execute(NEWEST_MARKER, (id, until))).fetchone()
            return Marker(row[0], row[1]) if row else None

        return await self._read(dsn, look)


class TableActs(Line):
    """What can be written into tables."""

    async def write_marker(self, dsn: SecretRef, id: str, note: str) -> Marker:
        """Write a marker with the database's own time, unless it is there; makes the table where it is missing."""

        async def act(line: Connection) -> Marker:
            try:
                await line.execute(ADD_MARKER, (id, note))
            except errors.UndefinedTable:
                await line.execute(CREATE_MARKERS)
                await line.execute(ADD_MARKER, (id, note))
            row = await (await line.execute(READ_MARKER, (id,))).fetchone()
            assert row is not None
            return Marker(*row)

        return await self._over(dsn, act, within=self._statement_timeout)


async def _count(line: Connection, name: str, checksums: bool, within: float) -> Counted:
    """One table, in a savepoint of its own."""
    total = sql.SQL(SUM if checksums else "NULL")
    try:
        async with line.transaction():
            found = await line.execute(sql.SQL("SELECT count(*), {} FROM {} AS t").format(total, identifier(name)))
            row = await found.fetchone()
    except psycopg.Error as error:
        return Counted(name, None, None, _problem(error, within))
    assert row is not None
    return Counted(name, int(row[0]), f"{int(row[1]) % 2**64:016x}" if checksums else None)


def _problem(error: psycopg.Error, within: float) -> str:
    """Why a table could not be read, in words for a person. Raises again what is no answer about the table."""
    if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
        return "there is no such table"
    if isinstance(error, errors.InsufficientPrivilege):
        return "this role may not read it"
    if isinstance(error, errors.QueryCanceled | errors.LockNotAvailable):
        return f"no answer within {within:g} s"
    if isinstance(error, psycopg.DataError | psycopg.InternalError | psycopg.ProgrammingError):
        return f"cannot be read ({error.sqlstate})"
    raise error
