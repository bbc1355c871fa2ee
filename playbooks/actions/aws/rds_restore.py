"""`aws.rds_restore`: an instance as it was at a point in time, as a new one beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.aws import Aws, AwsReads, DbInstance
from playbooks.errors import Refused

TAG = "muster"


class Restored(Outputs):
    """The new instance."""

    instance: str = Field(description="Identifier of the new instance")
    source: str = Field(description="Identifier of the instance it was restored from")
    at: datetime = Field(description="The point in time (UTC)")


@action(
    "aws.rds_restore",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=(
        "rds:DescribeDBInstances", "rds:RestoreDBInstanceToPointInTime", "rds:AddTagsToResource",
        "rds:ListTagsForResource", "rds:DeleteDBInstance",
    ),
    result=Restored,
)  # fmt: skip
class RdsRestore(Action):
    """Restore an RDS instance to a point in time, as a new instance

    Example: {uses: aws.rds_restore, with: {source: orders-db, target: orders-db-1014, at: "2026-11-22T10:14:00Z"}}

    The source is left as it is. AWS gives a new instance its default network, parameters and a single zone, so those of
    the service are passed. Refuses when the target exists, and when the time lies in the future or after the last one
    that can be restored.
    """

    source: str = Field(description="Identifier of the instance to restore from", min_length=1)
    target: str = Field(description="Identifier of the new instance", pattern="^[a-z][a-z0-9-]{0,62}$")
    at: datetime = Field(description="Point in time to restore to (UTC)")
    subnet_group: str | None = Field(default=None, description="DB subnet group")
    security_groups: list[str] = Field(default=[], description="Ids of VPC security groups")
    parameter_group: str | None = Field(default=None, description="DB parameter group")
    multi_az: bool = Field(default=True, description="With a synchronous standby")
    size: str | None = Field(default=None, description="Instance class; none: the source's")
    region: str = Field(default="", description="Region; none: the site's")

    verify_within_s = 5400.0  # the waiter's half hour may be too short (contract E2)

    async def plan(self, world: World) -> Plan:
        """Says what comes out of what; refuses a time that cannot be restored."""
        source = await self._check(world)
        return Plan(
            targets=(f"rds:{self.target}",),
            effect=f"Restore {self.source} as of {self.at:%Y-%m-%d %H:%M:%S} UTC as the new instance {self.target}",
            warnings=(f"Nothing uses it until its address is changed; {source.id} goes on as it is.",),
            undo=f"Deletes {self.target} again, as long as it is this step's.",
        )

    async def run(self, act: Act) -> Restored:
        """Begin the restore, after one more look."""
        await self._check(act)
        options = {
            "DBSubnetGroupName": self.subnet_group, "VpcSecurityGroupIds": self.security_groups or None,
            "DBParameterGroupName": self.parameter_group, "MultiAZ": self.multi_az, "DBInstanceClass": self.size,
            "DeletionProtection": False,
        }  # fmt: skip
        given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        await act.use(Aws).at(self.region).rds_restore(self.source, self.target, self.at, {TAG: act.key}, **given)
        return self._outputs()

    async def verify(self, world: World, done: Restored) -> Seen:
        """It is there and available."""
        seen = await world.use(AwsReads).at(self.region).rds_find(self.target)
        if seen is None:
            return Seen(ok=None, text=f"{self.target} is not listed yet", again_in=5.0)
        if seen.status in ("failed", "incompatible-restore", "incompatible-parameters", "incompatible-network"):
            return Seen(ok=False, text=f"{self.target} is {seen.status}")
        return Seen(
            ok=True if seen.status == "available" else None, text=f"{self.target} is {seen.status}", again_in=10.0
        )

    async def reconcile(self, world: World) -> Found:
        """The tag with our key tells whose it is."""
        aws = world.use(AwsReads).at(self.region)
        seen = await aws.rds_find(self.target)
        if seen is None:
            return Found(happened=False, evidence=f"There is no instance {self.target}.")
        mine = (await aws.rds_tags(seen.arn)).get(TAG) == world.key
        whose = "with this step's tag" if mine else "without this step's tag: somebody else made it"
        outputs = self._outputs() if mine else None
        return Found(
            happened=True if mine else None, evidence=f"{self.target} is {seen.status}, {whose}.", outputs=outputs
        )

    async def undo(self, act: Act, done: Restored) -> Restored:
        """Delete the new instance."""
        await self._mine(act, done)
        await act.use(Aws).at(self.region).rds_delete(done.instance)
        return done

    async def plan_undo(self, world: World, done: Restored) -> Plan:
        """Says what goes; refuses one that this step did not make."""
        await self._mine(world, done)
        return Plan(targets=(f"rds:{done.instance}",), effect=f"Delete {done.instance}, restored from {done.source}",
                    warnings=("Whatever was written to it since is lost.",))  # fmt: skip

    async def verify_undo(self, world: World, done: Restored) -> Seen:
        """It is gone."""
        seen = await world.use(AwsReads).at(self.region).rds_find(done.instance)
        return Seen(ok=True if seen is None else None, text="gone" if seen is None else f"{seen.status}", again_in=5.0)

    async def reconcile_undo(self, world: World, done: Restored) -> Found:
        """Gone or going tells."""
        seen = await world.use(AwsReads).at(self.region).rds_find(done.instance)
        going = seen is None or seen.status == "deleting"
        return Found(going, f"{done.instance} is {'gone' if seen is None else seen.status}.")

    @classmethod
    def undo_risk(cls) -> Risk:
        """What was written to the restored instance would be lost."""
        return Risk.IRREVERSIBLE

    async def _mine(self, world: World, done: Restored) -> None:
        aws = world.use(AwsReads).at(self.region)
        seen = await aws.rds_find(done.instance)
        if seen is None:
            raise Refused(f"There is no instance {done.instance}.", todo="Nothing is to be taken back.")
        tagged = (await aws.rds_tags(seen.arn)).get(TAG, "")
        if not tagged.startswith("muster:"):
            raise Refused(
                f"{done.instance} does not carry the tag of a step: it is another instance. Nothing was deleted.",
                todo="Delete it by hand if that is meant.",
            )

    async def _check(self, world: World) -> DbInstance:
        aws = world.use(AwsReads).at(self.region)
        if self.at >= world.now:
            raise Refused(
                f"{self.at:%Y-%m-%d %H:%M:%S} UTC lies in the future.", todo="Give the time before the damage."
            )
        source = await aws.rds_instance(self.source)
        last = source.latest_restorable_time
        if last is not None and self.at > last:
            raise Refused(
                f"{self.source} can be restored up to {last:%Y-%m-%d %H:%M:%S} UTC, not to {self.at:%H:%M:%S}.",
                todo="Wait about five minutes, or give an earlier time.",
            )
        if (there := await aws.rds_find(self.target)) is not None:
            raise Refused(f"There is an instance {self.target} already ({there.status}).", todo="Give another target.")
        return source

    def _outputs(self) -> Restored:
        return Restored(instance=self.target, source=self.source, at=self.at)

    def say(self, done: Restored) -> str:
        """source as of when -> target."""
        return f"{done.source} as of {done.at:%Y-%m-%d %H:%M:%S} UTC is being restored as {done.instance}"
