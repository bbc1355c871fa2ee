"""One command on one host, from its precondition to its receipt: what all `host.*` actions that change something share.

Belongs here: checking, starting, waiting and judging. Declares no action. Does not belong here: which risk may run what
(each action says its own), the way to the host (connectors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import Field

from playbooks.action import Act, Found, Outputs, Park, Seen, World
from playbooks.connectors.hosts import HostReads, Hosts
from playbooks.connectors.receipts import Receipt
from playbooks.durations import words
from playbooks.errors import Refused, Uncertain
from playbooks.host_commands import Judged, filled, judge, passed_on, shown
from playbooks.policy_hosts import Command, Follow

WAIT_S = 8.0  # for the command itself; what takes longer is looked at again later
SETTLED_S = 20.0  # a line that was sent leaves its receipt within moments


class Ran(Outputs):
    """What a command said. running: it goes on, and verification follows it."""

    command: str = Field(description="Name of the command")
    host: str = Field(description="Where it ran")
    exit: int | None = Field(default=None, description="Its exit status; none while it is running")
    output: str = Field(default="", description="What it said: head and tail, secrets masked")
    matched: bool = Field(default=False, description="Whether that is what the policy expects")
    why: str = Field(default="", description="What is not as expected")
    values: dict[str, Any] = Field(default={}, description="What the policy's pattern and paths found in it")
    running: bool = Field(default=False, description="Whether it was still going on")
    undo: str = Field(default="", description="Name of the command that takes it back, where there is one")
    brought: list[str] = Field(default=[], description="What is so now: the command, and those it does the work of")
    back: str = Field(default="", description="The command that takes it back, with its arguments")


@dataclass(frozen=True)
class HostRun:
    """A command with its arguments, at a host."""

    name: str
    host: str
    arguments: Mapping[str, Any]

    def command(self, world: World) -> Command:
        """As the policy has it now. Refused when it has not, or when a drill must not reach that host."""
        reads = world.use(HostReads)
        kind = (world.scope.get("run") or {}).get("kind")
        if kind == "drill" and not reads.may_drill(self.host):
            raise Refused(f"{self.host} is at no site that drills may reach.", todo="Name a host of a drill site.")
        return reads.command(self.name, self.host)

    def line(self, world: World) -> str:
        """What would be run, as people read it."""
        command = self.command(world)
        return shown(command, filled(command, self.arguments))

    async def check(self, world: World) -> str:
        """The look that must be right first, in words; without one, whether the host lets us in. Raises Refused."""
        command, reads = self.command(world), world.use(HostReads)
        if command.before is None:
            await reads.reach(self.host)
            return ""
        said = await self.follow(world, command, command.before)
        if not said.matched:
            raise Refused(f"{self.name} may not run on {self.host} now: {command.before.command} says {said.why}.",
                          todo="Look there, then ask again.")  # fmt: skip
        return f"{command.before.command} on {self.host} is as it must be"

    async def follow(self, world: World, command: Command, follow: Follow) -> Judged:
        """Run the read command that another names, and judge it."""
        reads = world.use(HostReads)
        to = reads.command(follow.command, self.host)
        seen = await reads.look(to.name, self.host, passed_on(follow, filled(command, self.arguments), to))
        return judge(to.expects, seen.status, seen.raw, began=world.started_at)

    async def start(self, act: Act, wait_s: float) -> Ran:
        """Start it, or find it started under this key. Raises Uncertain when it was cut off."""
        command = self.command(act)
        values = filled(command, self.arguments)
        receipt = await act.use(Hosts).start(self.name, self.host, values, key=act.key, wait_s=wait_s)
        return self.read(act, command, receipt)

    async def receipt(self, world: World) -> Receipt:
        """What the host says of it."""
        return await world.use(HostReads).receipt(self.name, self.host, world.key)

    async def wait(self, world: World) -> Ran:
        """Look how it stands. Raises as `stands` does."""
        return self.stands(world, await self.receipt(world))

    def stands(self, world: World, receipt: Receipt) -> Ran:
        """What one look says. Raises Uncertain when it is gone without an end or takes longer than it may."""
        command = self.command(world)
        if receipt.state == "absent":
            raise Uncertain(f"{self.host} knows nothing of {self.name} any more.")
        if receipt.state == "running" and elapsed(world) > command.timeout.total_seconds():
            raise Uncertain(
                f"{self.name} is still running on {self.host} after {words(command.timeout)}; it was not stopped."
            )
        return self.read(world, command, receipt)

    def read(self, world: World, command: Command, receipt: Receipt) -> Ran:
        """A receipt as outputs. Raises Refused for an exit status that means "nothing was done", Uncertain when cut."""
        reads = world.use(HostReads)
        said = reads.clean(receipt.output)
        if receipt.state == "cut":
            raise Uncertain(f"{self.name} was begun on {self.host} and is gone without an end: {last(said)}")
        if receipt.status is not None and receipt.status in command.nothing_done:
            raise Refused(f"{self.name} on {self.host} ended with {receipt.status} and did nothing: {last(said)}")
        ran = self.ran(world, command)
        if receipt.status is None:
            return ran.model_copy(update={"output": said, "running": True})
        judged = judge(command.expects, receipt.status, receipt.output, began=world.started_at)
        values = {name: reads.clean(one) if isinstance(one, str) else one for name, one in judged.values.items()}
        return ran.model_copy(update={"exit": receipt.status, "output": said, "matched": judged.matched,
                                      "why": judged.why, "values": values})  # fmt: skip

    def ran(self, world: World, command: Command) -> Ran:
        """What is known of it before it says anything: what it brings about, and what takes that back."""
        reads, values = world.use(HostReads), filled(command, self.arguments)
        brought, undo = [named(self.name, values)], command.undo
        for other in command.also:
            to = reads.command(other, self.host)
            brought.append(named(other, {name: one for name, one in values.items() if name in to.arguments}))
        back = named(undo.command, passed_on(undo, values, reads.command(undo.command, self.host))) if undo else ""
        return Ran(command=self.name, host=self.host, undo=undo.command if undo else "", brought=brought, back=back)

    async def verify(self, world: World, done: Ran | None) -> Seen:
        """Ended as expected, and its probe sees it. done: None where what it said is not at hand."""
        told = done is not None and not done.running and done.exit is not None
        ran = done if told else None
        if ran is None:
            try:
                ran = await self.wait(world)
            except (Uncertain, Refused) as lost:
                return Seen(ok=False, text=lost.message)
            if ran.running:
                return Seen(ok=None, text=f"{self.name} is running on {self.host}", again_in=pause(world))
        if not ran.matched:
            return Seen(ok=False, text=f"{self.name} on {self.host}: {ran.why}. {last(ran.output)}".strip())
        command = self.command(world)
        later = None if told else ran
        if command.probe is None:
            return Seen(ok=True, text=f"{self.name} on {self.host} ended as expected", outputs=later)
        judged = await self.follow(world, command, command.probe)
        if not judged.matched:
            return Seen(ok=None, text=f"{command.probe.command} on {self.host}: {judged.why}", again_in=2.0)
        return Seen(ok=True, text=f"{command.probe.command} on {self.host} is as it must be", outputs=later)

    async def reconcile(self, world: World) -> Found:
        """By its receipt; where there is none any more, by its probe; else it cannot be told."""
        command = self.command(world)
        receipt = await self.receipt(world)
        what = f"{self.name} on {self.host}"
        if receipt.state == "running" and elapsed(world) > command.timeout.total_seconds():
            return Found(None, f"{what} is still running after {words(command.timeout)}.")
        if receipt.state in ("ended", "running"):
            try:
                ran = self.read(world, command, receipt)
            except Refused as nothing:
                return Found(False, nothing.message)
            how = "is running" if ran.running else f"ended with {ran.exit}"
            return Found(True, f"By its receipt {what} {how}.", ran)
        if receipt.state == "absent" and receipt.up_s > elapsed(world):
            if elapsed(world) < SETTLED_S:
                return Found(
                    None, f"{self.host} has no receipt of it {elapsed(world):.0f} s after the start; too early."
                )
            return Found(False, f"{self.host} has no receipt of {self.name}: it never arrived there.")
        gone = "was begun and is gone without an end" if receipt.state == "cut" else "may be forgotten: it restarted"
        if command.again == "safe":
            return Found(False, f"{what} {gone}; the policy says that it may simply be begun again.")
        return await self._by_probe(world, command, f"{what} {gone}")

    async def _by_probe(self, world: World, command: Command, what: str) -> Found:
        """What began and left no result: where its probe sees the effect, it happened; else it may be half done."""
        if command.probe is None:
            return Found(None, f"{what}.")
        judged = await self.follow(world, command, command.probe)
        if not judged.matched:
            return Found(None, f"{what}; {command.probe.command} says {judged.why}.")
        took = self.ran(world, command).model_copy(update={"exit": command.expects.exit[0], "matched": True})
        return Found(True, f"{what}, but {command.probe.command} is as it must be.", took)

    def parked(self, world: World) -> Park:
        """Look again later: soon at first, twice a minute in the end."""
        return Park(wake_in_s=pause(world))


def named(command: str, values: Mapping[str, str]) -> str:
    """A command with its arguments in one way of writing: firewall_close port=443."""
    return " ".join([command, *(f"{name}={value}" for name, value in sorted(values.items()))])


def elapsed(world: World) -> float:
    """Seconds since the step began."""
    return (world.now - world.started_at).total_seconds() if world.started_at else 0.0


def pause(world: World) -> float:
    """How long to wait until the next look, in seconds."""
    return min(30.0, max(1.0, elapsed(world) / 5))


def last(output: str) -> str:
    """The last line said that holds something, for one line of words."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return f"“{lines[-1][:200]}”" if lines else "it said nothing"


LONGEST = timedelta(hours=6)
