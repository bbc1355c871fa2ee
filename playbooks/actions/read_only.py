"""The bases of `postgres.read_only_on` and `postgres.read_only_off`. Declares no action.

Belongs here: what both do to a database's default and how they look at it. Does not belong here: which way, and undo.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from playbooks.action import Action, Found, Outputs, Plan, Seen, World
from playbooks.changes import Change, said
from playbooks.connectors.postgres import PostgresReads, Switch
from playbooks.connectors.postgres_sessions import parts
from playbooks.errors import Refused
from playbooks.secrets import SecretRef


class Switched(Outputs):
    """What was switched."""

    database: str = Field(description="Name of the database")
    before: str | None = Field(description="Its own setting before: on, off, or null for none")
    ended: int = Field(description="Sessions that were ended")


class ReadOnlySwitch(Action):
    """A database's default for new sessions."""

    dsn: SecretRef = Field(description="Reference to the database's address, with the role that owns it")

    @staticmethod
    def switched(params: Mapping[str, Any], outputs: Mapping[str, Any], on: bool) -> tuple[Change, ...]:
        """From read-only or not to read-only or not."""
        return (Change(f"postgres {params.get('dsn')} read-only", said(outputs.get("before") == "on"), said(on)),)

    async def seen(self, world: World, on: bool) -> Switch:
        """How it is now. Refuses a standby, and what is so already."""
        reads = world.use(PostgresReads)
        if (await reads.server(self.dsn)).standby:
            raise Refused(f"{self.dsn} is a standby: it only reads, and its settings come from its primary.",
                          todo="Name the primary.")  # fmt: skip
        switch = await reads.switch(self.dsn)
        if switch.on is on:
            state = "read-only" if on else "open for writes"
            raise Refused(f"{switch.database} at {self.dsn} is {state} already.", todo="There is nothing to switch.")
        return switch

    async def target(self, world: World, switch: Switch) -> tuple[str, ...]:
        """The resource."""
        return (f"postgres:{(await world.use(PostgresReads).server(self.dsn)).system}/{switch.database}",)

    async def looks(self, world: World, on: bool) -> Seen:
        """One look whether a new session only reads (or writes), as this very line would."""
        reads = world.use(PostgresReads)
        server, switch = await reads.server(self.dsn), await reads.switch(self.dsn)
        state = "read-only" if server.reads_only else "open for writes"
        if server.reads_only is on:
            return Seen(
                ok=True, text=f"{switch.database} is {state} for new sessions, {switch.sessions} others connected"
            )
        if switch.on is on:
            return Seen(ok=False, text=f"{switch.database} is {state} all the same: its role or server says otherwise")
        return Seen(ok=None, text=f"{switch.database} is still {state}")

    async def older(self, world: World, database: str) -> int:
        """How many clients of the database have been connected since before the step began."""
        since = world.started_at or world.now
        every = await world.use(PostgresReads).sessions(self.dsn)
        return sum(one.client and one.database == database and parts(one.name)[1] < since for one in every)

    async def found(self, world: World, on: bool) -> Found:
        """The setting is there or it is not."""
        switch = await world.use(PostgresReads).switch(self.dsn)
        said = f"{switch.database} at {self.dsn} has default_transaction_read_only {switch.value or 'not set'}."
        done = Switched(database=switch.database, before=None if on else "on", ended=0)
        return Found(switch.on is on, said, done if switch.on is on else None)

    async def opened(self, world: World, switch: Switch, effect: str) -> Plan:
        """The plan of everything that lets writes in again."""
        return Plan(
            targets=await self.target(world, switch), effect=effect,
            warnings=("Make sure that no other server accepts writes to the same data.",),
            undo="Switch it to read-only again (postgres.read_only_on).",
        )  # fmt: skip
