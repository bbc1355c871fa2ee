"""Databases of a server as a whole: read-only or not, scratch copies. Part of `postgres.py`.

Belongs here: settings and databases, made and dropped only where they carry Muster's own mark. Does not belong here:
files and programs (postgres_copies.py), rows (postgres_tables.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.postgres_line import Connection, Line
from playbooks.secrets import SecretRef

MARK = "muster scratch"
SWITCH = """
SELECT d.datname::text, s.value, (SELECT count(*) FROM pg_stat_activity a
    WHERE a.datid = d.oid AND a.pid <> pg_backend_pid())::int,
  coalesce((SELECT array_agg(DISTINCT r.rolname::text) FROM pg_db_role_setting o JOIN pg_roles r ON r.oid = o.setrole
    WHERE o.setdatabase IN (0, d.oid) AND 'default_transaction_read_only=off' = ANY(o.setconfig)), '{}')
FROM pg_database d LEFT JOIN LATERAL (
  SELECT split_part(c, '=', 2) AS value FROM pg_db_role_setting o, unnest(o.setconfig) AS c
  WHERE o.setdatabase = d.oid AND o.setrole = 0 AND c LIKE 'default_transaction_read_only=%') s ON true
WHERE d.datname = current_database()"""
SCRATCH = """
SELECT d.datname::text, coalesce(shobj_description(d.oid, 'pg_database'), ''), pg_database_size(d.oid)::bigint,
  (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.pid <> pg_backend_pid())::int
FROM pg_database d WHERE d.datname = %s"""
OTHERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


@dataclass(frozen=True)
class Switch:
    """Whether a database is read-only by its own setting. value: "on", "off", or None where it has none of its own.

    sessions: others connected now, whose setting stays what it was; exempt: roles that may write all the same.
    """

    database: str
    value: str | None
    sessions: int
    exempt: tuple[str, ...]

    @property
    def on(self) -> bool:
        """Whether new sessions only read."""
        return self.value in ("on", "true", "1", "yes")


@dataclass(frozen=True)
class Scratch:
    """A database that may be a scratch copy of ours. key: of the step that made it, "" where Muster did not.

    whole: the copy was restored to its end.
    """

    name: str
    key: str
    whole: bool
    size: int
    sessions: int


class DatabaseReads(Line):
    """What can be asked about databases."""

    async def switch(self, dsn: SecretRef) -> Switch:
        """Whether the database behind the reference is switched to read-only."""

        async def look(line: Connection) -> Switch:
            row = await (await line.execute(SWITCH)).fetchone()
            assert row is not None
            return Switch(row[0], row[1], row[2], tuple(sorted(row[3])))

        return await self._read(dsn, look)

    async def scratch(self, dsn: SecretRef, name: str) -> Scratch | None:
        """The database of that name on the same server; None when there is none."""

        async def look(line: Connection) -> Scratch | None:
            row = await (await line.execute(SCRATCH, (name,))).fetchone()
            if row is None:
                return None
            key, _, state = row[1].removeprefix(f"{MARK} ").rpartition(" ")
            ours = row[1].startswith(f"{MARK} ") and bool(key)
            return Scratch(row[0], key if ours else "", ours and state == "whole", row[2], row[3])

        return await self._read(dsn, look)


class DatabaseActs(DatabaseReads):
    """What can be done to databases."""

    async def set_read_only(self, dsn: SecretRef, value: str | None) -> None:
        """Give new sessions of the database this default ("on", "off"); None takes the setting away."""
        how = sql.SQL("SET default_transaction_read_only = {}").format(sql.Literal(value)) if value else sql.SQL(
            "RESET default_transaction_read_only")  # fmt: skip

        async def act(line: Connection) -> None:
            name = await (await line.execute("SELECT current_database()")).fetchone()
            assert name is not None
            async with line.transaction():  # begun READ WRITE, since the default may be what is taken away
                await line.execute(sql.SQL("ALTER DATABASE {} {}").format(sql.Identifier(name[0]), how))

        await self._over(dsn, act, within=self._statement_timeout)

    async def end_sessions(self, dsn: SecretRef) -> int:
        """End all other sessions of people and programs on this database; returns how many."""

        async def act(line: Connection) -> int:
            row = await (await line.execute(OTHERS)).fetchone()
            return int(row[0]) if row else 0

        return await self._over(dsn, act, within=self._statement_timeout)

    async def _create_scratch(self, dsn: SecretRef, name: str, key: str) -> None:
        """An empty database with our mark. Refused 42P04 where there is one."""

        async def act(line: Connection) -> None:
            await line.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            await line.execute(_marked(name, key, "begun"))

        await self._over(dsn, act, within=self._statement_timeout * 6)

    async def _scratch_is_whole(self, dsn: SecretRef, name: str, key: str) -> None:
        async def act(line: Connection) -> None:
            await line.execute(_marked(name, key, "whole"))

        await self._over(dsn, act, within=self._statement_timeout)

    async def drop_scratch(self, dsn: SecretRef, name: str, *, force: bool = False) -> None:
        """Drop a scratch copy that carries our mark. force: end what is connected to it. None there: nothing to do."""
        seen = await self.scratch(dsn, name)
        if seen is None:
            return
        if not seen.key:
            raise ServiceRefused("PostgreSQL", "not-ours", f"The database {name} was not made by Muster; it stays.")

        async def act(line: Connection) -> None:
            how = sql.SQL(" WITH (FORCE)" if force else "")
            await line.execute(sql.SQL("DROP DATABASE {}{}").format(sql.Identifier(name), how))

        await self._over(dsn, act, within=self._statement_timeout * 6)


def _marked(name: str, key: str, state: str) -> sql.Composed:
    mark = sql.Literal(f"{MARK} {key} {state}")
    return sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), mark)
