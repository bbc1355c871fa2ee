"""`aws.rds_cluster_failover`: let another member of an Aurora cluster write."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.errors import Refused

# AWS shows an accepted failover within seconds; a cluster that looks untouched this long after was not failed over.
SETTLED_S = 180.0


class Moved(Outputs):
    """What the failover was asked to move."""

    cluster: str = Field(description="Identifier of the Aurora cluster")
    from_writer: str = Field(description="Member that wrote before")
    to_writer: str = Field(description="Member that should write")


@action(
    "aws.rds_cluster_failover",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:DescribeEvents", "rds:FailoverDBCluster"),
    result=Moved,
)
class RdsClusterFailover(Action):
    """Fail an Aurora cluster over to a reader

    Example: {uses: aws.rds_cluster_failover, with: {cluster: orders, from_writer: orders-1}}

    The reader is named or the first available one; storage is shared, so nothing that was committed is lost. Refuses
    when there is no available reader, when the cluster is busy, or when the writer is not (any more) `from_writer`, so
    that a repeat does not move it back.
    """

    cluster: str = Field(description="Identifier of the Aurora cluster", min_length=1)
    to_writer: str = Field(default="", description="Member that should write; none: the first available reader")
    from_writer: str = Field(default="", description="Member that must be the writer now")
    region: str = Field(default="", description="Region; none: the site's")

    why_no_undo = "Failing back is the same action again, with approvals of its own."
    verify_within_s = 600.0

    async def plan(self, world: World) -> Plan:
        """Says from which member to which."""
        now = await self._check(world)
        return Plan(
            targets=(f"rds:{self.cluster}",),
            effect=f"Fail the Aurora cluster {self.cluster} over: {now.from_writer} -> {now.to_writer}",
            warnings=("Connections drop for up to a minute.",),
            data_loss_s=0,
            data_loss="0 s (shared storage)",
            undo="Fail over again; it is the same action.",
        )

    async def run(self, act: Act) -> Moved:
        """Fail over, after one more look."""
        now = await self._check(act)
        await act.use(Aws).at(self.region).rds_failover_cluster(self.cluster, now.to_writer)
        return now

    async def verify(self, world: World, done: Moved) -> Seen:
        """The member that was named writes, and the cluster is available. Status alone proves nothing (contract E2)."""
        seen = await world.use(AwsReads).at(self.region).rds_cluster(done.cluster)
        moved = seen.writer == done.to_writer if done.to_writer else seen.writer != done.from_writer
        if moved and seen.status == "available":
            return Seen(ok=True, text=f"{seen.writer} writes")
        return Seen(ok=None, text=f"{seen.status}, {seen.writer or 'nobody'} writes")

    async def reconcile(self, world: World) -> Found:
        """The writer against `from_writer`; else RDS's own events since the step began; else cannot tell."""
        reads = world.use(AwsReads).at(self.region)
        seen = await reads.rds_cluster(self.cluster)
        where = f"{self.cluster} is {seen.status} and {seen.writer or 'nobody'} writes"
        done = Moved(cluster=self.cluster, from_writer=self.from_writer, to_writer=self.to_writer)
        if self.from_writer and seen.writer not in ("", self.from_writer):
            done = done.model_copy(update={"to_writer": seen.writer})
            return Found(happened=True, evidence=f"{where}; it was {self.from_writer}.", outputs=done)
        began = world.started_at or world.now
        events = await reads.rds_events(self.cluster, began - timedelta(seconds=1), cluster=True)
        said = [one.text for one in events if "failover" in one.text.lower()]
        if said or seen.status != "available":
            # Without from_writer the one before is unknown, and verify could not tell whether it moved.
            happened = True if said and self.from_writer else None
            evidence = f"{where}; RDS says: {said[-1] if said else 'nothing of a failover'}"
            return Found(happened=happened, evidence=evidence, outputs=done if happened else None)
        waited = (world.now - began).total_seconds()
        untouched = bool(self.from_writer) and waited >= SETTLED_S
        evidence = f"{where} {waited:.0f} s after the start; RDS reports no failover."
        return Found(happened=False if untouched else None, evidence=evidence)

    async def _check(self, world: World) -> Moved:
        """From whom to whom, now. Raises Refused."""
        reads = world.use(AwsReads).at(self.region)
        seen = await reads.rds_cluster(self.cluster)
        if self.from_writer and seen.writer != self.from_writer:
            raise Refused(f"{self.cluster} has moved already: {seen.writer or 'nobody'} writes now.",
                          todo="Look again; if it must move back, ask for that.")  # fmt: skip
        if seen.status != "available":
            raise Refused(f"{self.cluster} is {seen.status}; it can be failed over when it is available.",
                          todo="Wait for it, then ask again.")  # fmt: skip
        if self.to_writer and self.to_writer not in seen.readers:
            raise Refused(f"{self.to_writer} is no reader of {self.cluster}.",
                          todo=f"Its readers are {', '.join(seen.readers) or 'none'}.")  # fmt: skip
        for reader in (self.to_writer,) if self.to_writer else seen.readers:
            if (await reads.rds_instance(reader)).status == "available":
                return Moved(cluster=self.cluster, from_writer=seen.writer, to_writer=reader)
        raise Refused(f"{self.cluster} has no available reader to fail over to.",
                      todo="Add one, or restore it to a point in time.")  # fmt: skip

    def say(self, done: Moved) -> str:
        """From whom to whom."""
        return f"{done.cluster} failing over: {done.from_writer or 'its writer'} -> {done.to_writer or 'a reader'}"
