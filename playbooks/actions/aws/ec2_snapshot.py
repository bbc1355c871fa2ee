"""`aws.ec2_snapshot`: the volumes of an instance as they are now, before anything is stopped."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_ec2 import Ec2Instance, Snapshot
from playbooks.errors import NotYet, Refused

SETTLED_S = 60.0  # a listing by tag may miss what was made moments ago
CASE_TAG = "muster-case"


class Preserved(Outputs):
    """The snapshots."""

    instance: str = Field(description="The instance")
    snapshots: dict[str, str] = Field(description="Volume -> snapshot")


@action(
    "aws.ec2_snapshot",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:CreateSnapshots", "ec2:CreateTags"),
    result=Preserved,
)
class Ec2Snapshot(Action):
    """Take snapshots of an instance's volumes as evidence

    Example: {uses: aws.ec2_snapshot, with: {instance: i-0abc, case: INC-42}}

    One snapshot per volume, all of the same moment, as after a pulled plug; what is in memory is not in them. Tagged
    with the case and the key of this attempt. With `finish: false` it is enough that they were begun: what they hold is
    fixed then, and big disks take hours.
    """

    instance: str = Field(description="Identifier of the instance", min_length=1)
    case: str = Field(description="What they belong to, such as the incident", min_length=1, max_length=200)
    finish: bool = Field(default=True, description="Wait until they are complete")
    within: Length = Field(default=timedelta(hours=2), description="How long that may take")
    region: str = Field(default="", description="Region; none: the site's")

    why_no_undo = "Snapshots are evidence; who deletes them does so in EC2, by name."

    def within_s(self) -> float:
        """As long as `within` says."""
        return self.within.total_seconds()

    async def plan(self, world: World) -> Plan:
        """Says which volumes; refuses an instance without any."""
        seen = await self._check(world)
        return Plan(
            targets=(f"ec2:{self.instance}",),
            effect=f"Take snapshots of {', '.join(seen.volumes)} of {self.instance} for {self.case}",
            warnings=("Memory is not in them, and is lost when the instance stops.",),
        )

    async def run(self, act: Act) -> Preserved:
        """All volumes in one call."""
        await self._check(act)
        made = await act.use(Aws).at(self.region).ec2_snapshot(
            self.instance, act.key, {CASE_TAG: self.case}, f"{self.case}: {self.instance}"
        )  # fmt: skip
        return self._outputs(made)

    async def verify(self, world: World, done: Preserved) -> Seen:
        """Every volume has one that is begun, or complete; one that ended in an error is none."""
        found = {one.id: one for one in await world.use(AwsReads).at(self.region).ec2_snapshots(world.key)}
        missing = [id for id in done.snapshots.values() if id not in found]
        if failed := [id for id in done.snapshots.values() if id in found and found[id].state == "error"]:
            return Seen(ok=False, text=f"AWS could not complete {', '.join(failed)}")
        if missing:
            return Seen(ok=None, text=f"not listed yet: {', '.join(missing)}", again_in=2.0)
        begun = [one for one in found.values() if one.id in done.snapshots.values() and one.state != "completed"]
        if begun and self.finish:
            said = ", ".join(f"{one.id} {one.progress}".strip() for one in begun)
            return Seen(ok=None, text=f"not complete: {said}", again_in=10.0)
        state = f"begun: {len(begun)} of {len(done.snapshots)} not complete" if begun else "complete"
        return Seen(ok=True, text=f"{len(done.snapshots)} of {len(done.snapshots)} snapshots there, {state}")

    async def reconcile(self, world: World) -> Found:
        """Snapshots with our key tell; none is only believed once a listing must show them."""
        found = await world.use(AwsReads).at(self.region).ec2_snapshots(world.key)
        if found:
            said = f"{', '.join(one.id for one in found)} bear the key of this attempt."
            return Found(happened=True, evidence=said, outputs=self._outputs(found))
        waited = (world.now - world.started_at).total_seconds() if world.started_at else 0.0
        if waited < SETTLED_S:
            raise NotYet(f"No snapshot bears the key of this attempt, {waited:.0f} s after the start.", again_in=31.0)
        return Found(happened=False, evidence=f"No snapshot bears the key of this attempt, {waited:.0f} s later.")

    def say(self, done: Preserved) -> str:
        """instance: snap-1, snap-2."""
        return f"{done.instance}: {', '.join(done.snapshots.values())}"

    def _outputs(self, made: list[Snapshot]) -> Preserved:
        return Preserved(instance=self.instance, snapshots={one.volume: one.id for one in made})

    async def _check(self, world: World) -> Ec2Instance:
        (seen,) = await world.use(AwsReads).at(self.region).ec2_instances([self.instance])
        if not seen.volumes:
            raise Refused(f"{self.instance} is {seen.state} and has no volumes: there is nothing to preserve.",
                          todo="Look whether it was terminated; volumes may be left over without it.")  # fmt: skip
        return seen
