"""`postgres.restore_scratch`: a dump restored into a new database beside the real ones."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Act, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.durations import Length
from playbooks.actions.scratch import ScratchStep
from playbooks.connectors.postgres import Postgres, PostgresReads
from playbooks.errors import Refused

LONGEST_S = 6 * 3600.0


class Restored(Outputs):
    """The copy."""

    database: str = Field(description="Name of the scratch database")
    key: str = Field(description="Key it is marked with as ours")
    rows: dict[str, int] = Field(description="Rows of the tables asked about")
    size: int = Field(description="Bytes on disk")


@action("postgres.restore_scratch", risk=Risk.WRITE, again=Again.KEYED, result=Restored,
        needs=("postgres:CREATEDB", "host:pg_restore", "host:psql"))  # fmt: skip
class RestoreScratch(ScratchStep):
    """Restore a dump into a scratch database

    Example: {uses: postgres.restore_scratch, with: {dsn: "env://SHOP_DSN", file: a.dump, database: scratch_shop}}

    An archive by pg_restore, a script (also gzipped) by psql in one transaction that can reach no other database. The
    name must be free; a repeat of the same step goes on with its own. Not for dumps of whole servers (pg_dumpall).
    """

    file: str = Field(description="Name of a dump in the folder of dumps", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    tables: list[str] = Field(default=[], description="Tables to count in the copy", max_length=50)
    expect: dict[str, int] = Field(default={}, description="Rows that tables must have at least")
    limit: Length = Field(default=timedelta(seconds=60), description="How long counting one table may take")

    timeout_s = LONGEST_S
    verify_within_s = 900.0

    async def plan(self, world: World) -> Plan:
        """Refuses without the file, the program, or a free name."""
        reads = world.use(PostgresReads)
        copy = await reads.copy(self.file)
        if copy is None:
            raise Refused(f"There is no dump {self.file} in this machine's folder of dumps.", todo="See MUSTER_DUMPS.")
        program = "pg_restore" if copy.kind == "archive" else "psql"
        version = await reads.program(program)
        seen = await reads.scratch(self.dsn, self.database)
        if seen is not None and not (seen.key and seen.key == world.key):
            raise Refused(f"There is a database {self.database} already; nothing was restored.",
                          todo="Choose another name, or drop it (postgres.drop_scratch).")  # fmt: skip
        return Plan(
            targets=(f"scratch:{self.database}",),
            effect=f"Restore {self.file} into a new database {self.database} on the server of {self.dsn}",
            warnings=("The copy holds real data, and takes its room on that server.",),
            notes=(f"{copy.kind} of {copy.size:,} bytes, by {program} {version}",),
            undo="Drop the scratch database.",
        )

    async def run(self, act: Act) -> Restored:
        """Restore it whole or not at all, and count."""
        await act.use(Postgres).restore_scratch(self.dsn, self.file, self.database, act.key, LONGEST_S - 900)
        seen = await act.use(PostgresReads).scratch(self.dsn, self.database)
        size = seen.size if seen else 0
        return Restored(database=self.database, key=act.key, rows=await self._rows(act), size=size)

    async def verify(self, world: World, done: Restored) -> Seen:
        """It is whole, and holds what it must."""
        seen = await world.use(PostgresReads).scratch(self.dsn, self.database)
        if seen is None or seen.key != done.key or not seen.whole:
            return Seen(ok=False, text=f"{self.database} is not the copy that was restored")
        rows = await self._rows(world)
        short = [f"{name} has {rows.get(name, 0)} rows, {count} were expected"
                 for name, count in self.expect.items() if rows.get(name, 0) < count]  # fmt: skip
        if short:
            return Seen(ok=False, text="; ".join(short))
        counts = "".join(f", {name} {count}" for name, count in rows.items())
        return Seen(ok=True, text=f"{self.database} restored whole{counts}", facts={"rows": rows})

    async def _rows(self, world: World) -> dict[str, int]:
        names = list(dict.fromkeys([*self.tables, *self.expect]))
        if not names:
            return {}
        within = max(1.0, self.limit.total_seconds())
        reads = world.use(PostgresReads)
        counted = await reads.count_tables(self.dsn, names, checksums=False, within=within, database=self.database)
        return {one.name: one.rows for one in counted if one.rows is not None}

    async def undo(self, act: Act, done: Restored) -> Restored:
        """Drop it, with whoever is connected to it."""
        await act.use(Postgres).drop_scratch(self.dsn, done.database, force=True)
        return done

    async def plan_undo(self, world: World, done: Restored) -> Plan:
        """Refuses when it is gone, or no longer the one this step made."""
        seen = await world.use(PostgresReads).scratch(self.dsn, done.database)
        if seen is None or seen.key != done.key:
            raise Refused(f"{done.database} is {'gone' if seen is None else 'another database now'}.",
                          todo="There is nothing to take back.")  # fmt: skip
        return Plan(
            targets=(f"scratch:{done.database}",),
            effect=f"Drop the scratch database {done.database}",
            notes=(f"{seen.sessions} sessions are connected to it.",),
            undo="None. Restore it again.",
        )

    async def verify_undo(self, world: World, done: Restored) -> Seen:
        """It is gone."""
        there = await world.use(PostgresReads).scratch(self.dsn, done.database) is not None
        return Seen(ok=not there, text=f"{done.database} is {'still there' if there else 'dropped'}")

    def say(self, done: Restored) -> str:
        """scratch_checkout restored, orders 40."""
        counts = "".join(f", {name} {count}" for name, count in done.rows.items())
        return f"{self.file} restored into {done.database}{counts}"
