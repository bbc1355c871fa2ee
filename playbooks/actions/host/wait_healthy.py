"""`host.wait_healthy`: ask a read command of the policy until its answer is right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.actions.host_runs import HostRun
from playbooks.connectors.hosts import HostReads
from playbooks.durations import words
from playbooks.errors import NotYet, Temporary
from playbooks.host_commands import judge


class Healthy(Outputs):
    """The answer that was right."""

    command: str = Field(description="Name of the command")
    host: str = Field(description="Where it ran")
    values: dict[str, Any] = Field(description="What the policy's pattern and paths found in it")


@action("host.wait_healthy", risk=Risk.READ, again=Again.SAFE, needs=("host:look",), result=Healthy)
class WaitHealthy(Action):
    """Wait until a host is as it must be

    Example: {uses: host.wait_healthy, with: {host: production, command: compose_healthy, within: 5m}}

    Asks again until the answer is what the policy expects (every container, not one of many) or the time is over.
    """

    host: str = Field(description="Where: a name from the policy's `hosts`", min_length=1)
    command: str = Field(description="What: a read command from the policy's `commands`", min_length=1)
    arguments: dict[str, str | int] = Field(default={}, description="The command's arguments by name")
    within: Length = Field(default=timedelta(minutes=5), description="How long it may take (5m, 90s or seconds)")

    timeout_s = 120.0

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    async def look(self, world: World) -> Healthy:
        """Ask once. NotYet while the answer is wrong or the host does not answer."""
        reads = world.use(HostReads)
        command = HostRun(self.command, self.host, self.arguments).command(world)
        try:
            said = await reads.look(self.command, self.host, self.arguments)
        except Temporary as error:
            raise NotYet(f"{self.host} does not answer now ({error.message})") from None
        judged = judge(command.expects, said.status, said.raw)
        if not judged.matched:
            raise NotYet(f"{self.command} on {self.host}: {judged.why}")
        values = {name: reads.clean(one) if isinstance(one, str) else one for name, one in judged.values.items()}
        return Healthy(command=self.command, host=self.host, values=values)

    async def plan(self, world: World) -> Plan:
        """What must be, and what is now."""
        line = HostRun(self.command, self.host, self.arguments).line(world)
        effect = f"{self.command} on {self.host} must be as expected within {words(self.within)}: {line}"
        try:
            seen = await self.look(world)
        except NotYet as error:
            return Plan(effect=effect, notes=(f"Now: {error.message}",))
        return Plan(effect=effect, notes=("Now: as expected",), outputs=seen.model_dump(mode="json"))

    def say(self, done: Healthy) -> str:
        """As expected."""
        return f"{done.command} on {done.host} is as expected"
