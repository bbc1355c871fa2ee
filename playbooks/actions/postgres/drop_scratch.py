"""`postgres.drop_scratch`: a scratch database that Muster made is dropped."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.scratch import ScratchStep
from playbooks.connectors.postgres import Postgres, PostgresReads, Scratch
from playbooks.errors import Refused


class Dropped(Outputs):
    """What was dropped."""

    database: str = Field(description="Name of the scratch database")


@action("postgres.drop_scratch", risk=Risk.WRITE, again=Again.NEVER, needs=("postgres:CREATEDB",), result=Dropped)
class DropScratch(ScratchStep):
    """Drop a scratch database

    Example: {uses: postgres.drop_scratch, with: {dsn: "env://CHECKOUT_DSN", database: scratch_checkout}}

    Refuses a database whose name or mark does not say that Muster made it as a scratch copy, one that is in use, and
    one that is not there.
    """

    why_no_undo = "It was a copy; restore it again (postgres.restore_scratch)."

    async def plan(self, world: World) -> Plan:
        """Says how big it is."""
        seen = await self._check(world)
        return Plan(targets=(f"scratch:{self.database}",), notes=(f"{seen.size:,} bytes",),
                    effect=f"Drop the scratch database {self.database} on the server of {self.dsn}")  # fmt: skip

    async def run(self, act: Act) -> Dropped:
        """Drop it. Looks once more first."""
        await self._check(act)
        await act.use(Postgres).drop_scratch(self.dsn, self.database)
        return Dropped(database=self.database)

    async def verify(self, world: World, done: Dropped) -> Seen:
        """It is gone."""
        there = await world.use(PostgresReads).scratch(self.dsn, self.database) is not None
        return Seen(ok=None if there else True, text=f"{self.database} is {'still there' if there else 'gone'}")

    async def reconcile(self, world: World) -> Found:
        """It is there or it is not."""
        there = await world.use(PostgresReads).scratch(self.dsn, self.database) is not None
        done = None if there else Dropped(database=self.database)
        return Found(not there, f"{self.database} is {'still there' if there else 'gone'}.", done)

    async def _check(self, world: World) -> Scratch:
        seen = await world.use(PostgresReads).scratch(self.dsn, self.database)
        if seen is None:
            raise Refused(f"There is no database {self.database}.", todo="There is nothing to drop.")
        if not seen.key:
            raise Refused(f"{self.database} was not made by Muster; it stays.", todo="Drop it by hand if you are sure.")
        if seen.sessions:
            raise Refused(f"{seen.sessions} sessions use {self.database}; it stays.", todo="End them first.")
        return seen

    def say(self, done: Dropped) -> str:
        """scratch_checkout dropped."""
        return f"{done.database} dropped"
