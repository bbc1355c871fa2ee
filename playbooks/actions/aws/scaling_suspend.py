"""`aws.scaling_suspend`: let an auto scaling group leave its instances alone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_scaling import ScalingGroup
from playbooks.errors import Refused

Process = Literal[
    "Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh",
    "ReplaceUnhealthy", "ScheduledActions",
]  # fmt: skip


class Suspended(Outputs):
    """What no longer runs, and what was suspended before."""

    group: str = Field(description="The auto scaling group")
    processes: list[str] = Field(description="Suspended by this step: the undo resumes these, no others")


@action(
    "aws.scaling_suspend",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("autoscaling:DescribeAutoScalingGroups", "autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses"),
    result=Suspended,
)
class ScalingSuspend(Action):
    """Suspend processes of an auto scaling group

    Example: {uses: aws.scaling_suspend, with: {group: checkout, processes: [ReplaceUnhealthy, Terminate]}}

    So that what is being isolated or examined is neither ended nor replaced. While they are suspended, the group does
    not heal itself either. Refuses when all of them are suspended already: those are somebody else's to resume.
    """

    group: str = Field(description="Name of the auto scaling group", min_length=1)
    processes: list[Process] = Field(
        default=["Terminate", "ReplaceUnhealthy", "HealthCheck", "AZRebalance"], description="Which", min_length=1
    )
    region: str = Field(default="", description="Region; none: the site's")

    verify_within_s = 60.0

    async def plan(self, world: World) -> Plan:
        """Says which processes; refuses when there is nothing left to suspend."""
        left = self._left(await self._look(world))
        return Plan(
            targets=(f"autoscaling:{self.group}",),
            effect=f"Suspend {', '.join(left)} of the auto scaling group {self.group}",
            warnings=("The group does not replace what fails until they are resumed.",),
            undo=f"Resume {', '.join(left)}.",
        )

    async def run(self, act: Act) -> Suspended:
        """Those that run."""
        left = self._left(await self._look(act))
        await act.use(Aws).at(self.region).scaling_suspend(self.group, left)
        return Suspended(group=self.group, processes=left)

    async def verify(self, world: World, done: Suspended) -> Seen:
        """They are listed as suspended."""
        running = [one for one in done.processes if one not in (await self._look(world)).suspended]
        return Seen(ok=None if running else True, text=f"still running: {', '.join(running)}" if running
                    else f"suspended: {', '.join(done.processes)}", again_in=2.0)  # fmt: skip

    async def reconcile(self, world: World) -> Found:
        """What is suspended tells that it happened, not which of them were suspended before."""
        now = await self._look(world)
        said = f"{self.group} has suspended: {', '.join(now.suspended) or 'nothing'}."
        if set(self.processes) <= set(now.suspended):
            done = Suspended(group=self.group, processes=[])  # some may have been suspended before, by others
            return Found(happened=True, evidence=f"{said} Which of them were so before is not known.", outputs=done)
        return Found(happened=False, evidence=said)

    async def plan_undo(self, world: World, done: Suspended) -> Plan:
        """Says what runs again."""
        self._resumable(await self._look(world), done)
        return Plan(targets=(f"autoscaling:{self.group}",),
                    effect=f"Resume {', '.join(done.processes)} of {done.group}",
                    warnings=("The group may then end or replace instances at once.",))  # fmt: skip

    async def undo(self, act: Act, done: Suspended) -> Suspended:
        """Resume what this step suspended."""
        self._resumable(await self._look(act), done)
        await act.use(Aws).at(self.region).scaling_resume(self.group, done.processes)
        return Suspended(group=self.group, processes=[])

    async def verify_undo(self, world: World, done: Suspended) -> Seen:
        """None of them is listed any more."""
        still = [one for one in done.processes if one in (await self._look(world)).suspended]
        return Seen(ok=None if still else True, text=f"still suspended: {', '.join(still)}" if still
                    else f"running again: {', '.join(done.processes)}", again_in=2.0)  # fmt: skip

    async def reconcile_undo(self, world: World, done: Suspended) -> Found:
        """What is suspended tells."""
        now = await self._look(world)
        said = f"{self.group} has suspended: {', '.join(now.suspended) or 'nothing'}."
        return Found(happened=not set(done.processes) & set(now.suspended), evidence=said)

    def say(self, done: Suspended) -> str:
        """group: Terminate suspended."""
        return f"{done.group}: {', '.join(done.processes or self.processes)} suspended"

    async def _look(self, world: World) -> ScalingGroup:
        return await world.use(AwsReads).at(self.region).scaling_group(self.group)

    def _left(self, now: ScalingGroup) -> list[str]:
        left: list[str] = [one for one in self.processes if one not in now.suspended]
        if not left:
            raise Refused(f"{', '.join(self.processes)} of {self.group} are suspended already.",
                          todo="Nothing is to be done; whoever suspended them resumes them.")  # fmt: skip
        return left

    def _resumable(self, now: ScalingGroup, done: Suspended) -> None:
        if not done.processes:
            raise Refused("Which processes this step suspended is not known: its outcome was lost.",
                          todo=f"Resume those of {done.group} that nobody else suspended, in AWS by hand.")  # fmt: skip
        if not set(done.processes) & set(now.suspended):
            raise Refused(f"{', '.join(done.processes)} of {done.group} run already.", todo="Nothing is to be resumed.")
