"""`postgres.read_only_off`: a database takes writes again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbooks.action import Act, Again, Found, Plan, Risk, Seen, World, action
from playbooks.actions.read_only import ReadOnlySwitch, Switched
from playbooks.changes import Change
from playbooks.connectors.postgres import Postgres


@action("postgres.read_only_off", risk=Risk.RECOVERABLE, again=Again.NEVER, result=Switched,
        needs=("postgres:ALTER.DATABASE",))  # fmt: skip
class ReadOnlyOff(ReadOnlySwitch):
    """Let a database take writes again

    Example: {uses: postgres.read_only_off, with: {dsn: "env://CHECKOUT_SECONDARY_DSN"}}

    For a database other than the one that was switched: a promoted standby brings the setting along from its old
    primary. Refuses what takes writes already.
    """

    why_no_undo = "Switching it to read-only is an action of its own (postgres.read_only_on)."
    verify_within_s = 60.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """Not read-only any more."""
        return cls.switched(params, outputs, False)

    async def plan(self, world: World) -> Plan:
        """Says which database."""
        switch = await self.seen(world, False)
        effect = f"Let {switch.database} at {self.dsn} take writes again"
        targets = await self.target(world, switch)
        opened = await self.opened(world, switch, effect)
        return Plan(targets=targets, effect=effect, warnings=opened.warnings, undo=opened.undo)

    async def run(self, act: Act) -> Switched:
        """Take its setting away."""
        switch = await self.seen(act, False)
        await act.use(Postgres).set_read_only(self.dsn, None)
        return Switched(database=switch.database, before=switch.value, ended=0)

    async def verify(self, world: World, done: Switched) -> Seen:
        """New sessions may write."""
        return await self.looks(world, False)

    async def reconcile(self, world: World) -> Found:
        """The setting is gone or it is not."""
        return await self.found(world, False)

    def say(self, done: Switched) -> str:
        """shop takes writes again."""
        return f"{done.database} takes writes again"
