"""`aws.ssm_command`: a command of the policy, sent by SSM, with AWS's own record as its receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playbooks.action import Act, Again, Risk, World, action
from playbooks.actions.host_runs import SETTLED_S, HostRun, Ran, elapsed
from playbooks.actions.host_step import OF_RISK, UndoableHostStep
from playbooks.connectors.hosts import HostReads, Hosts
from playbooks.connectors.receipts import Receipt
from playbooks.errors import Refused
from playbooks.host_commands import filled
from playbooks.policy_hosts import Command

TAKES = (Risk.WRITE, Risk.RECOVERABLE)


@dataclass(frozen=True)
class SsmRun(HostRun):
    """A command whose receipt is what SSM keeps of it for 30 days: sent once under the attempt's key."""

    async def start(self, act: Act, wait_s: float) -> Ran:
        """Send it, or find it sent under this key. Nothing waits here: how it stands is looked at later."""
        command = self.command(act)
        if act.repeated:
            sent = await self.receipt(act)
            if sent.state in ("running", "ended") or (sent.state == "cut" and command.again != "safe"):
                return self.read(act, command, sent)
        await act.use(Hosts).send(self.name, self.host, filled(command, self.arguments), key=act.key)
        return self.read(act, command, Receipt("running"))

    async def receipt(self, world: World) -> Receipt:
        """By AWS's record."""
        return await world.use(HostReads).record(self.name, self.host, world.key, world.started_at)

    def stands(self, world: World, receipt: Receipt) -> Ran:
        """As by SSH. Refused when it never came to the instance."""
        if receipt.state == "absent" and receipt.output:
            raise Refused(f"SSM did not bring {self.name} to {self.host} ({receipt.output}): nothing was run.",
                          todo="`muster doctor` says how its agent is. Then retry.")  # fmt: skip
        if receipt.state == "absent" and elapsed(world) < SETTLED_S:  # AWS lists what was just sent a moment later
            return self.read(world, self.command(world), Receipt("running"))
        return super().stands(world, receipt)


@action(
    "aws.ssm_command", risk=Risk.RECOVERABLE, again=Again.NEVER, result=Ran,
    needs=("ssm:SendCommand", "ssm:GetCommandInvocation", "ssm:ListCommands", "ssm:DescribeInstanceInformation"),
)  # fmt: skip
class SsmCommand(UndoableHostStep):
    """Run a command on an instance by SSM

    Example: {uses: aws.ssm_command, with: {host: production, command: restore_database, arguments: {database: main}}}

    For hosts with `via: ssm`, and commands of the policy alone, of risk write or recoverable. Nothing is written on the
    instance: what became of it stands in SSM, with Muster's key as its comment. AWS stops it after its `timeout`.
    """

    way = " by SSM"

    def _ends(self, command: Command) -> str:
        return f"AWS stops it after {command.timeout.total_seconds():g} s."

    def _run(self, world: World) -> HostRun:
        run = self._made(self.command, self.host, self.arguments)
        command = run.command(world)
        if command.hurts not in TAKES:
            raise Refused(f"{self.command} is of risk {command.risk}: {self.name} does not run it.",
                          todo=f"Use {OF_RISK[command.hurts]}; it works on hosts via ssm too.")  # fmt: skip
        world.use(HostReads).by_ssm(self.host)
        filled(command, self.arguments)
        return run

    def _made(self, name: str, host: str, arguments: Mapping[str, Any]) -> HostRun:
        return SsmRun(name, host, arguments)
