"""`host.look`: what a read command of the policy says."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.host_runs import HostRun, last
from playbooks.connectors.hosts import HostReads
from playbooks.errors import Refused
from playbooks.host_commands import judge


class Looked(Outputs):
    """What the command said."""

    command: str = Field(description="Name of the command")
    host: str = Field(description="Where it ran")
    exit: int = Field(description="Its exit status")
    output: str = Field(description="What it said: head and tail, secrets masked")
    matched: bool = Field(description="Whether that is what the policy expects")
    why: str = Field(description="What is not as expected")
    values: dict[str, Any] = Field(description="What the policy's pattern and paths found in it")


@action("host.look", risk=Risk.READ, again=Again.SAFE, needs=("host:look",), result=Looked)
class Look(Action):
    """Look at a host by a command of the policy

    Example: {uses: host.look, with: {host: production, command: backup_latest, arguments: {database: main}}}

    An answer that is not as the policy expects fails the step, unless must_match is false: then `matched` says so.
    """

    host: str = Field(description="Where: a name from the policy's `hosts`", min_length=1)
    command: str = Field(description="What: a read command from the policy's `commands`", min_length=1)
    arguments: dict[str, str | int] = Field(default={}, description="The command's arguments by name")
    must_match: bool = Field(default=True, description="Whether an answer that is not as expected fails the step")

    timeout_s = 1900.0

    async def look(self, world: World) -> Looked:
        """Run it once. Refused when the answer is not as expected."""
        seen = await self._seen(world)
        if self.must_match and not seen.matched:
            raise Refused(f"{self.command} on {self.host}: {seen.why}. {last(seen.output)}")
        return seen

    async def _seen(self, world: World) -> Looked:
        reads = world.use(HostReads)
        command = HostRun(self.command, self.host, self.arguments).command(world)
        said = await reads.look(self.command, self.host, self.arguments)
        judged = judge(command.expects, said.status, said.raw)
        values = {name: reads.clean(one) if isinstance(one, str) else one for name, one in judged.values.items()}
        return Looked(command=self.command, host=self.host, exit=said.status, output=said.text,
                      matched=judged.matched, why=judged.why, values=values)  # fmt: skip

    async def plan(self, world: World) -> Plan:
        """The line, and what it says now."""
        effect = (
            f"Look by {self.command} on {self.host}: {HostRun(self.command, self.host, self.arguments).line(world)}"
        )
        seen = await self.look(world)
        return Plan(effect=effect, notes=(self.say(seen),), outputs=seen.model_dump(mode="json"))

    def say(self, done: Looked) -> str:
        """Whether it is as expected, and the last line."""
        return f"{done.command} on {done.host}: {done.why or 'as expected'}, {last(done.output)}"
