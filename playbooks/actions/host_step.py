"""The bases of `host.run`, `host.contain`, `host.destroy` and `host.erase`. Declares no action.

Belongs here: their parameters and the life of a step. Does not belong here: a command's own life (host_runs.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from playbooks.action import Act, Action, Answer, Found, Park, Plan, Risk, Seen, World
from playbooks.actions.durations import Length
from playbooks.actions.host_runs import LONGEST, WAIT_S, HostRun, Ran, last
from playbooks.changes import Change
from playbooks.connectors.hosts import HostReads
from playbooks.durations import words
from playbooks.errors import Refused
from playbooks.host_commands import filled, passed_on
from playbooks.policy_hosts import Command

OF_RISK = {Risk.READ: "host.look", Risk.WRITE: "host.run", Risk.CONTAIN: "host.contain",
           Risk.RECOVERABLE: "host.destroy", Risk.IRREVERSIBLE: "host.erase"}  # fmt: skip


class HostStep(Action):
    """A command that changes something. The subclass's risk is the only one it runs commands of."""

    host: str = Field(description="Where: a name from the policy's `hosts`", min_length=1)
    command: str = Field(description="What: a name from the policy's `commands`", min_length=1)
    arguments: dict[str, str | int] = Field(default={}, description="The command's arguments by name")
    within: Length = Field(default=LONGEST, description="How long it may take until it is seen to have worked")

    timeout_s = 60.0
    way: ClassVar[str] = ""

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """That what takes it back is to be done, which whoever does it ends; what it brought about only ends others."""
        host, back = outputs.get("host"), outputs.get("back")
        made = tuple(Change(f"host {host}: {one}", "so", "so") for one in outputs.get("brought") or ())
        return (Change(f"host {host}: {back}", "so", "not so"), *made) if back else made

    async def plan(self, world: World) -> Plan:
        """The exact line; refuses a command of another risk, wrong arguments and a precondition that fails."""
        run = self._run(world)
        noted = await run.check(world)
        command = run.command(world)
        takes = f"It may take up to {words(command.timeout)}." if command.timeout > timedelta(minutes=2) else ""
        return Plan(
            targets=(f"host:{self.host}",),
            effect=f"Run {self.command} on {self.host}{self.way}: {run.line(world)}",
            warnings=tuple(one for one in (command.warning, takes, self._ends(command)) if one),
            notes=(noted,) if noted else (),
            undo=f"Run {command.undo.command} there." if command.undo else "",
        )

    def _ends(self, command: Command) -> str:
        """What becomes of it after its time, where something does."""
        return ""

    async def run(self, act: Act) -> Ran | Park:
        """Look once more, start it, wait a little; what takes longer is parked."""
        run = self._run(act)
        await run.check(act)
        ran = await run.start(act, WAIT_S)
        return run.parked(act) if ran.running else ran

    async def resume(self, act: Act, answer: Answer | None) -> Ran | Park:
        """How it stands now."""
        run = self._run(act)
        ran = await run.wait(act)
        return run.parked(act) if ran.running else ran

    async def verify(self, world: World, done: Ran) -> Seen:
        """It ended as expected, and its probe sees it."""
        return await self._run(world).verify(world, done)

    async def reconcile(self, world: World) -> Found:
        """The receipt on the host says what became of it."""
        return await self._run(world).reconcile(world)

    def say(self, done: Ran) -> str:
        """What ended where, and its last line."""
        return f"{done.command} on {done.host} ended with {done.exit}: {last(done.output)}"

    def _run(self, world: World) -> HostRun:
        """The command. Refused when it is of another risk, naming the action of that risk."""
        run = self._made(self.command, self.host, self.arguments)
        command = run.command(world)
        if command.hurts is not self.risk:
            raise Refused(f"{self.command} is of risk {command.risk}: {self.name} does not run it.",
                          todo=f"Use {OF_RISK[command.hurts]}.")  # fmt: skip
        filled(command, self.arguments)
        return run

    def _made(self, name: str, host: str, arguments: Mapping[str, Any]) -> HostRun:
        """A command at a host, as this kind of step runs it."""
        return HostRun(name, host, arguments)


class UndoableHostStep(HostStep):
    """A command whose policy may name another one that takes it back."""

    @classmethod
    def leaves(cls, outputs: Mapping[str, Any]) -> bool:
        """Only where the command names its undo."""
        return bool(outputs.get("undo"))

    async def undo(self, act: Act, done: Any) -> Ran:
        """Run the command that takes it back; what takes longer is followed by verification."""
        run = self._back(act)
        await run.check(act)
        return await run.start(act, WAIT_S)

    async def plan_undo(self, world: World, done: Any) -> Plan:
        """The exact line that takes it back."""
        run = self._back(world)
        await run.check(world)
        command = run.command(world)
        return Plan(
            targets=(f"host:{self.host}",),
            effect=f"Take {self.command} back on {self.host} by {command.name}: {run.line(world)}",
            warnings=(command.warning,) if command.warning else (),
        )

    async def verify_undo(self, world: World, done: Any) -> Seen:
        """The other command ended as expected, and its probe sees it."""
        return await self._back(world).verify(world, None)

    async def reconcile_undo(self, world: World, done: Any) -> Found:
        """The other command's receipt."""
        return await self._back(world).reconcile(world)

    def _back(self, world: World) -> HostRun:
        """The command that takes it back, no riskier than what policy allows it to be."""
        reads = world.use(HostReads)
        command = self._run(world).command(world)
        if command.undo is None:
            raise Refused(f"The policy names no command that takes {self.command} back. Nothing was done.",
                          todo="Take it back by hand, and accept it.")  # fmt: skip
        to = reads.command(command.undo.command, self.host)
        if to.hurts > self.undo_risk():
            raise Refused(f"{to.name} is of risk {to.risk}, more than the undo of {self.name} may be.")
        return self._made(to.name, self.host, passed_on(command.undo, filled(command, self.arguments), to))
