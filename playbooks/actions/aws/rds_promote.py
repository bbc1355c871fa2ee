"""`aws.rds_promote`: let a read replica stand on its own."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.aws import Aws, AwsReads, DbInstance
from playbooks.errors import Refused

FENCE = "Fence the old primary first, or ask two people whether it cannot accept writes."


class Promoted(Outputs):
    """What was promoted."""

    instance: str = Field(description="Identifier of the instance")
    was_replica_of: str = Field(description="Whose replica it was")
    endpoint: str = Field(description="DNS name to connect to")


@action(
    "aws.rds_promote",
    risk=Risk.IRREVERSIBLE,
    again=Again.NEVER,
    needs=("rds:DescribeDBInstances", "rds:PromoteReadReplica"),
    result=Promoted,
)
class RdsPromote(Action):
    """Promote an RDS read replica to a database of its own

    Example: {uses: aws.rds_promote, with: {instance: orders-db-replica, fenced: "${{ steps.fence.outputs.choice }}"}}

    What the old primary took and did not send is lost, and it does not know that it was replaced: so `fenced` must say
    how it is kept from accepting writes (the output of the step that fenced it, or of the people who vouch for it).
    Refuses when the instance is no replica or is busy, and when it is further behind than `max_lag`.
    """

    instance: str = Field(description="Identifier of the read replica", min_length=1)
    fenced: str = Field(description="How the old primary is kept from accepting writes", min_length=1, max_length=500)
    lag: Length | None = Field(default=None, description="How far it is behind, as measured; none: not known")
    max_lag: Length | None = Field(default=None, description="Most it may be behind; none: people decide")
    backup_days: int = Field(default=7, description="Days automatic backups are kept from then on", ge=1, le=35)
    region: str = Field(default="", description="Region; none: the site's")

    why_no_undo = "A promoted replica cannot follow its old primary again; make a new replica of it."
    verify_within_s = 1800.0

    async def plan(self, world: World) -> Plan:
        """Says who stops following whom and what may be lost."""
        seen = await self._check(world)
        lost = self.lag.total_seconds() if self.lag is not None else None
        return Plan(
            targets=(f"rds:{self.instance}",),
            effect=f"Promote {self.instance}, read replica of {seen.replica_of}, to a database of its own",
            warnings=("It cannot follow its old primary again.", f"The old primary: {self.fenced}."),
            data_loss_s=None if lost is None else round(lost),
            data_loss="not known: the replica's lag was not measured"
            if lost is None
            else f"{lost:.0f} s (replica lag)",
            undo=self.why_no_undo,
        )

    async def run(self, act: Act) -> Promoted:
        """Promote, after one more look."""
        seen = await self._check(act)
        await act.use(Aws).at(self.region).rds_promote(self.instance, self.backup_days)
        return Promoted(instance=self.instance, was_replica_of=seen.replica_of, endpoint=seen.endpoint)

    async def verify(self, world: World, done: Promoted) -> Seen:
        """It has no source any more and is available. Available alone proves nothing (contract E2)."""
        seen = await world.use(AwsReads).at(self.region).rds_instance(self.instance)
        if not seen.replica_of and seen.status == "available":
            return Seen(ok=True, text=f"{self.instance} stands on its own")
        still = f"still follows {seen.replica_of}" if seen.replica_of else "follows nobody"
        return Seen(ok=None, text=f"{seen.status}, {still}", again_in=5.0)

    async def reconcile(self, world: World) -> Found:
        """An instance without a source was promoted; one that follows and is not modifying was not."""
        seen = await world.use(AwsReads).at(self.region).rds_instance(self.instance)
        said = f"{self.instance} is {seen.status}" + (f", replica of {seen.replica_of}" if seen.replica_of else "")
        if not seen.replica_of:
            done = Promoted(instance=self.instance, was_replica_of="", endpoint=seen.endpoint)
            return Found(happened=True, evidence=f"{said}, and follows nobody.", outputs=done)
        if seen.status != "available":
            return Found(happened=None, evidence=f"{said}: it may be on its way.")
        waited = (world.now - world.started_at) if world.started_at else timedelta(0)
        if waited >= timedelta(minutes=3):
            return Found(happened=False, evidence=f"{said}, unchanged {waited.total_seconds():.0f} s later.")
        return Found(happened=None, evidence=f"{said}; too early to call it untouched.")

    async def _check(self, world: World) -> DbInstance:
        if self.fenced.strip().lower() in ("", "no", "none", "false"):
            raise Refused(f"The old primary of {self.instance} is not fenced: two databases would accept writes. "
                          "Nothing was promoted.", todo=FENCE)  # fmt: skip
        if self.lag is not None and self.max_lag is not None and self.lag > self.max_lag:
            raise Refused(f"{self.instance} is {self.lag.total_seconds():.0f} s behind, more than "
                          f"{self.max_lag.total_seconds():.0f} s. Nothing was promoted.",
                          todo="Wait until it caught up, or ask again with a larger max_lag.")  # fmt: skip
        seen = await world.use(AwsReads).at(self.region).rds_instance(self.instance)
        if not seen.replica_of:
            raise Refused(f"{self.instance} is no read replica: it stands on its own already.",
                          todo="Nothing is to be promoted.")  # fmt: skip
        if seen.status != "available":
            raise Refused(f"{self.instance} is {seen.status}; it can be promoted when it is available.",
                          todo="Wait for it, then ask again.")  # fmt: skip
        return seen

    def say(self, done: Promoted) -> str:
        """Promotion asked for."""
        of = f", which followed {done.was_replica_of}," if done.was_replica_of else ""
        return f"{done.instance}{of} is being promoted"
