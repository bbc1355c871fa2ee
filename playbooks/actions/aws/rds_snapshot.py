"""`aws.rds_snapshot`: a snapshot of an RDS instance under a stated name."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.errors import Refused

TAG = "muster"


class Snapshot(Outputs):
    """The snapshot."""

    snapshot: str = Field(description="Identifier of the snapshot")
    instance: str = Field(description="Identifier of the instance it is of")


@action(
    "aws.rds_snapshot",
    risk=Risk.WRITE,
    again=Again.KEYED,
    needs=(
        "rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:CreateDBSnapshot", "rds:AddTagsToResource",
    ),
    result=Snapshot,
)  # fmt: skip
class RdsSnapshot(Action):
    """Take a snapshot of an RDS instance

    Example: {uses: aws.rds_snapshot, with: {instance: orders-db, snapshot: orders-db-before-inc-42}}

    The name is the key: where this attempt's snapshot is there already, nothing is made; where somebody else's is, it
    is refused. A single-AZ instance may pause writes for seconds while it is taken.
    """

    instance: str = Field(description="Identifier of the RDS instance", min_length=1)
    snapshot: str = Field(description="Identifier of the new snapshot", pattern="^[a-z](-?[a-z0-9]){0,254}$")
    region: str = Field(default="", description="Region; none: the site's")

    why_no_undo = "A snapshot changes nothing; it is deleted by hand when it is not wanted any more."
    verify_within_s = 5400.0

    async def plan(self, world: World) -> Plan:
        """Says of what, under which name."""
        aws = world.use(AwsReads).at(self.region)
        seen = await aws.rds_instance(self.instance)
        if seen.status != "available":
            raise Refused(f"{self.instance} is {seen.status}; a snapshot can be taken when it is available.",
                          todo="Wait for it, then ask again.")  # fmt: skip
        if (there := await aws.rds_snapshot_of(self.snapshot)) is not None:
            raise Refused(f"There is a snapshot {self.snapshot} already ({there.status}, of {there.instance}).",
                          todo="Give another name.")  # fmt: skip
        slow = () if seen.multi_az else ("Single-AZ: writes may pause for seconds while it begins.",)
        return Plan(
            targets=(f"rds-snapshot:{self.snapshot}",),
            effect=f"Take a snapshot of {self.instance} as {self.snapshot}",
            warnings=slow,
            undo=self.why_no_undo,
        )

    async def run(self, act: Act) -> Snapshot:
        """Begin it. A repeat of this attempt finds its own by the tag."""
        aws = act.use(Aws).at(self.region)
        try:
            await aws.rds_make_snapshot(self.instance, self.snapshot, {TAG: act.key})
        except ServiceRefused as error:
            there = await aws.rds_snapshot_of(self.snapshot) if error.code.startswith("DBSnapshotAlready") else None
            if there is None or there.tags.get(TAG) != act.key:
                raise
        return Snapshot(snapshot=self.snapshot, instance=self.instance)

    async def verify(self, world: World, done: Snapshot) -> Seen:
        """It is available."""
        seen = await world.use(AwsReads).at(self.region).rds_snapshot_of(done.snapshot)
        if seen is None:
            return Seen(ok=None, text=f"{done.snapshot} is not listed yet", again_in=5.0)
        ok = {"available": True, "failed": False}.get(seen.status)
        return Seen(ok=ok, text=f"{done.snapshot} is {seen.status}", again_in=10.0)

    async def reconcile(self, world: World) -> Found:
        """The tag with our key tells whose it is."""
        seen = await world.use(AwsReads).at(self.region).rds_snapshot_of(self.snapshot)
        if seen is None:
            return Found(happened=False, evidence=f"There is no snapshot {self.snapshot}.")
        if seen.tags.get(TAG) != world.key:
            return Found(happened=False, evidence=f"{self.snapshot} is there without this step's tag: somebody else's.")
        done = Snapshot(snapshot=self.snapshot, instance=seen.instance)
        return Found(happened=True, evidence=f"{self.snapshot} is {seen.status}, with this step's tag.", outputs=done)

    def say(self, done: Snapshot) -> str:
        """Which snapshot of what."""
        return f"{done.snapshot}: a snapshot of {done.instance} is being taken"
