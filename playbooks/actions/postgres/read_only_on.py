"""`postgres.read_only_on`: a database takes no more writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from playbooks.action import Act, Again, Found, Plan, Risk, Seen, World, action
from playbooks.actions.read_only import ReadOnlySwitch, Switched
from playbooks.changes import Change
from playbooks.connectors.postgres import Postgres, PostgresReads
from playbooks.errors import Refused


@action("postgres.read_only_on", risk=Risk.RECOVERABLE, again=Again.NEVER, result=Switched,
        needs=("postgres:ALTER.DATABASE", "postgres:pg_signal_backend"))  # fmt: skip
class ReadOnlyOn(ReadOnlySwitch):
    """Switch a database to read-only

    Example: {uses: postgres.read_only_on, with: {dsn: "env://CHECKOUT_DSN", end_sessions: true}}

    A default for new sessions, which a program may override: it stops honest writers, not hostile ones. Sessions that
    are open keep writing until they end, unless `end_sessions` ends them. Refuses what is read-only already. The
    setting goes along to standbys: whichever is promoted is read-only too, until postgres.read_only_off.
    """

    end_sessions: bool = Field(
        default=False, description="End all other sessions on it, so that they come back read-only"
    )

    verify_within_s = 60.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """Read-only."""
        return cls.switched(params, outputs, True)

    async def plan(self, world: World) -> Plan:
        """Says whether sessions are ended; how many there are is a note."""
        switch = await self.seen(world, True)
        ends = " and end its sessions" if self.end_sessions else ""
        kept = () if self.end_sessions else ("Sessions that are open keep writing until they end.",)
        exempt = (f"These roles may write all the same: {', '.join(switch.exempt)}.",) if switch.exempt else ()
        return Plan(
            targets=await self.target(world, switch),
            effect=f"Switch {switch.database} at {self.dsn} to read-only for new sessions{ends}",
            warnings=("Whatever writes to it fails from then on.", *kept, *exempt),
            notes=(f"{switch.sessions} other sessions are connected.",),
            undo="Switch it back (postgres.read_only_off).",
        )

    async def run(self, act: Act) -> Switched:
        """Switch, then end sessions."""
        switch = await self.seen(act, True)
        await act.use(Postgres).set_read_only(self.dsn, "on")
        ended = await act.use(Postgres).end_sessions(self.dsn) if self.end_sessions else 0
        return Switched(database=switch.database, before=switch.value, ended=ended)

    async def verify(self, world: World, done: Switched) -> Seen:
        """New sessions only read, and where older ones were to be ended, none is left."""
        if self.end_sessions and (left := await self.older(world, done.database)):
            return Seen(ok=None, text=f"{left} older sessions are still there", again_in=1.0)
        return await self.looks(world, True)

    async def reconcile(self, world: World) -> Found:
        """The setting is there or it is not. There, with older sessions that should be gone, is half of it."""
        found = await self.found(world, True)
        if found.happened and self.end_sessions:
            database = (await world.use(PostgresReads).switch(self.dsn)).database
            if left := await self.older(world, database):
                return Found(None, f"{found.evidence} But {left} older sessions are still there.", found.outputs)
        return found

    async def undo(self, act: Act, done: Switched) -> Switched:
        """Give it the setting it had."""
        await act.use(Postgres).set_read_only(self.dsn, done.before)
        return done

    async def plan_undo(self, world: World, done: Switched) -> Plan:
        """Refuses what is not read-only any more."""
        switch = await world.use(PostgresReads).switch(self.dsn)
        if not switch.on:
            raise Refused(f"{switch.database} at {self.dsn} is not read-only any more.", todo="Nothing to take back.")
        return await self.opened(world, switch, f"Let {switch.database} at {self.dsn} take writes again")

    async def verify_undo(self, world: World, done: Switched) -> Seen:
        """New sessions may write."""
        return await self.looks(world, False)

    async def reconcile_undo(self, world: World, done: Switched) -> Found:
        """The setting is gone or it is not."""
        return await self.found(world, False)

    def say(self, done: Switched) -> str:
        """shop switched to read-only."""
        ended = f", {done.ended} sessions ended" if self.end_sessions else ""
        return f"{done.database} switched to read-only{ended}"
