"""Sessions of a server: who waits for whom, and ending named ones. Part of `postgres.py`.

Belongs here: sessions by name, `pid@start`, since a number alone may be somebody else's a moment later. Does not belong
here: which of them deserve it (people).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from psycopg import errors

from playbooks.connectors.answers import ServiceRefused, short
from playbooks.connectors.postgres_line import Connection, Line
from playbooks.errors import Refused
from playbooks.secrets import SecretRef

LITERAL = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*(?:'|$)|\b\d[\d.]*\b", re.DOTALL)
HIDDEN = "<insufficient privilege>"
NAME = re.compile(r"(\d{1,10})@(\S{19,40})")

WAITING = """
SELECT a.pid, a.backend_start, coalesce(a.usename, '')::text, coalesce(a.application_name, ''), coalesce(a.state, ''),
  a.backend_type = 'client backend', coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::float, 0),
  coalesce(a.query, ''), pg_blocking_pids(a.pid),
  CASE WHEN a.wait_event_type = 'Lock' THEN coalesce(extract(epoch FROM clock_timestamp() - a.query_start)::float, 0)
    ELSE 0 END, coalesce(a.datname, '')::text
FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid()"""
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"


@dataclass(frozen=True)
class Session:
    """A session. name: "4711@2026-11-22T08:00:00.123456+00:00"; query: without its literal values, cut.

    blocked_by: names of those it waits for; waits_s: how long its statement has waited and run; prepared: it waits for
    a prepared transaction, which is no session; client: not one of the server's own workers.
    """

    name: str
    user: str
    application: str
    state: str
    client: bool
    transaction_s: float
    query: str
    blocked_by: tuple[str, ...]
    waits_s: float
    database: str
    prepared: bool


def session_name(pid: int, start: datetime) -> str:
    """How a session is called everywhere."""
    return f"{pid}@{start.isoformat()}"


def parts(name: str) -> tuple[int, datetime]:
    """Number and start of a named session. Raises ValueError, saying how to write it."""
    found = NAME.fullmatch(name)
    try:
        if found is None:
            raise ValueError
        start = datetime.fromisoformat(found[2])
        if start.tzinfo is None:
            raise ValueError
    except ValueError:
        raise ValueError(f"{short(name, 60)} names no session; write pid@start, as postgres.blocked says it") from None
    return int(found[1]), start


def without_values(query: str, limit: int = 160) -> str:
    """A statement with its literal values replaced by `?`, on one line, cut."""
    return short(LITERAL.sub("?", query), limit)


class SessionReads(Line):
    """What can be asked about sessions."""

    async def sessions(self, dsn: SecretRef) -> list[Session]:
        """All sessions but our own, by number. Refused 42501 where the role may not see those of others."""

        async def look(line: Connection) -> list[Session]:
            rows = await (await line.execute(WAITING)).fetchall()
            if any(row[7] == HIDDEN for row in rows):
                raise ServiceRefused("PostgreSQL", "42501", f"PostgreSQL at {dsn} hides the sessions of others.",
                                     todo="Grant the role behind that address pg_read_all_stats.")  # fmt: skip
            names = {row[0]: session_name(row[0], row[1]) for row in rows if row[1] is not None}
            return [
                Session(names[pid], user, application, state, bool(client), held_s, without_values(query),
                        tuple(dict.fromkeys(names[one] for one in by if one in names)), waits_s, database, 0 in by)
                for pid, _, user, application, state, client, held_s, query, by, waits_s, database in sorted(
                    rows, key=lambda row: int(row[0]))
                if pid in names
            ]  # fmt: skip

        return await self._read(dsn, look)


class SessionActs(Line):
    """What can be done to sessions."""

    async def terminate(self, dsn: SecretRef, names: list[str]) -> dict[str, str]:
        """End these sessions; those that are gone are left alone. Returns what stopped any of them, by name ("" none).

        Raises Refused when none could be ended, Uncertain when the line broke.
        """

        async def act(line: Connection) -> dict[str, str]:
            problems: dict[str, str] = {}
            for name in names:
                try:
                    await line.execute(KILL, parts(name))
                    problems[name] = ""
                except errors.InsufficientPrivilege:
                    problems[name] = "this role may not end it"
            return problems

        problems = await self._over(dsn, act, within=self._statement_timeout)
        if problems and all(problems.values()):
            raise Refused(f"PostgreSQL at {dsn} ended none of them: {next(iter(problems.values()))}.",
                          todo="Grant that role pg_signal_backend, or ask a superuser.")  # fmt: skip
        return problems
