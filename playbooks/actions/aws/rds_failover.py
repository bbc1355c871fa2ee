"""`aws.rds_failover`: move an RDS writer to its standby."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.aws import Aws, AwsReads, DbEvent, DbInstance
from playbooks.errors import Refused, Temporary

# AWS shows an accepted reboot within seconds; an instance that looks untouched this long after was not rebooted.
SETTLED_S = 180.0


class FailedOver(Outputs):
    """What the failover was asked to move."""

    instance: str = Field(description="Identifier of the RDS instance")
    from_zone: str = Field(description="Zone of the writer before")
    to_zone: str = Field(description="Zone of the standby before, where the writer should be")


@action(
    "aws.rds_failover",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("rds:DescribeDBInstances", "rds:DescribeEvents", "rds:RebootDBInstance"),
    result=FailedOver,
)
class RdsFailover(Action):
    """Fail an RDS instance over to its standby

    Example: {uses: aws.rds_failover, with: {instance: orders-db, from_zone: eu-north-1a}}

    Reboots a Multi-AZ instance with failover. Refuses when there is no standby, when the instance is busy, or when the
    writer is not (any more) in `from_zone`, so that a repeat does not move it back.
    """

    instance: str = Field(description="Identifier of the RDS instance", min_length=1)
    from_zone: str = Field(default="", description="Zone the writer must be in now (output of aws.rds_describe)")
    region: str = Field(default="", description="Region; none: the site's")

    why_no_undo = "Failing back is the same action again, with approvals of its own."
    verify_within_s = 600.0
    timeout_s = 30.0

    async def plan(self, world: World) -> Plan:
        """Says from which zone to which; refuses when the instance cannot be failed over now."""
        seen = await self._check(world)
        to = seen.standby_zone or "its standby"
        return Plan(
            targets=(f"rds:{self.instance}",),
            effect=f"Reboot {self.instance} with failover: {seen.writer_zone} -> {to}",
            warnings=("Connections drop for 60-120 s.",),
            data_loss_s=0,
            data_loss="0 s (synchronous standby)",
            undo="Fail over again; it is the same action.",
        )

    async def run(self, act: Act) -> FailedOver:
        """Reboot with failover. Looks once more first: approvals take time, and the writer may have moved."""
        seen = await self._check(act)
        await act.use(Aws).at(self.region).rds_reboot_with_failover(self.instance)
        return FailedOver(instance=self.instance, from_zone=seen.writer_zone, to_zone=seen.standby_zone)

    async def verify(self, world: World, done: FailedOver) -> Seen:
        """The writer's zone changed and the status is available. Status alone proves nothing (contract E2)."""
        seen = await world.use(AwsReads).at(self.region).rds_instance(self.instance)
        moved = seen.writer_zone != done.from_zone
        if moved and seen.status == "available":
            return Seen(ok=True, text=f"Writer moved to {seen.writer_zone}")
        place = f"writer in {seen.writer_zone}" if moved else f"writer still {seen.writer_zone}"
        return Seen(ok=None, text=f"{seen.status}, {place}")

    async def reconcile(self, world: World) -> Found:
        """Compares the writer's zone with `from_zone`; else RDS's own events since the step began; else cannot tell."""
        seen = await world.use(AwsReads).at(self.region).rds_instance(self.instance)
        events = await self._events(world)
        done = FailedOver(instance=self.instance, from_zone=self.from_zone, to_zone=seen.standby_zone)
        where = f"{self.instance} is {seen.status} with its writer in {seen.writer_zone}"
        if self.from_zone and seen.writer_zone != self.from_zone:
            moved = done.model_copy(update={"to_zone": seen.writer_zone})
            return Found(happened=True, evidence=f"{where}, it was in {self.from_zone}.", outputs=moved)
        if events:
            said = f"{where}; RDS says: {events[-1].text}"
            # Without from_zone the zone before is unknown, and verify could not tell whether the writer moved.
            return Found(happened=True if self.from_zone else None, evidence=said, outputs=done)
        if seen.status != "available":
            return Found(happened=None, evidence=f"{where}; RDS reports no failover.")
        waited = (world.now - world.started_at).total_seconds() if world.started_at else 0.0
        if self.from_zone and waited >= SETTLED_S:
            return Found(happened=False, evidence=f"{where}, unchanged {waited:.0f} s later; RDS reports no failover.")
        return Found(
            happened=None, evidence=f"{where}, {waited:.0f} s after the start; too early to call it untouched."
        )

    async def _check(self, world: World) -> DbInstance:
        seen = await world.use(AwsReads).at(self.region).rds_instance(self.instance)
        if seen.cluster:
            raise Refused(f"{self.instance} is a member of the Aurora cluster {seen.cluster} and has no standby.",
                          todo="Use aws.rds_cluster_failover.")  # fmt: skip
        if not seen.multi_az:
            raise Refused(f"{self.instance} is not Multi-AZ: there is no standby to fail over to.",
                          todo="Restore it to a point in time instead.")  # fmt: skip
        if self.from_zone and seen.writer_zone != self.from_zone:
            raise Refused(f"{self.instance} has moved already: writer in {seen.writer_zone}, not in {self.from_zone}.",
                          todo="Look again; if it must move back, ask for that.")  # fmt: skip
        if seen.status != "available":
            raise Refused(f"{self.instance} is {seen.status}; it can be failed over when it is available.",
                          todo="Wait for it, then ask again.")  # fmt: skip
        return seen

    async def _events(self, world: World) -> list[DbEvent]:
        """RDS's events about a failover or restart since the step began; none when it will not say."""
        if world.started_at is None:
            return []
        try:
            reads, since = world.use(AwsReads).at(self.region), world.started_at - timedelta(seconds=1)
            events = await reads.rds_events(self.instance, since)
        except (Refused, Temporary):
            return []
        return [one for one in events if any(word in one.text.lower() for word in ("failover", "restart", "reboot"))]

    def say(self, done: FailedOver) -> str:
        """Failover requested from a to b."""
        return f"{done.instance} rebooting with failover: {done.from_zone} -> {done.to_zone or 'its standby'}"
