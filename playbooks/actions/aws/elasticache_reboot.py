"""`aws.elasticache_reboot`: reboot nodes of an ElastiCache cluster; what they hold is lost."""

from __future__ import annotations

from datetime import timedelta

from pydantic import AwareDatetime, Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.errors import Refused

# A reboot is shown within seconds; a cluster that looks untouched this long after was not rebooted.
SETTLED_S = 180.0
SKEW_S = 2.0  # between AWS's clock and ours


class Rebooted(Outputs):
    """What was asked to reboot."""

    cluster: str = Field(description="Id of the cache cluster")
    nodes: list[str] = Field(description="Ids of the nodes")
    since: AwareDatetime = Field(description="When it was asked (UTC)")


@action(
    "aws.elasticache_reboot",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=(
        "elasticache:DescribeCacheClusters", "elasticache:DescribeReplicationGroups", "elasticache:DescribeEvents",
        "elasticache:RebootCacheCluster",
    ),
    result=Rebooted,
)  # fmt: skip
class ElastiCacheReboot(Action):
    """Reboot nodes of an ElastiCache cluster

    Example: {uses: aws.elasticache_reboot, with: {cluster: checkout-cache-001, nodes: ["0001"]}}

    What the nodes hold is lost; rebooting the primary of a replication group can empty its replicas too. AWS does not
    reboot clusters in cluster mode: those are refused.
    """

    cluster: str = Field(description="Id of the cache cluster", min_length=1)
    nodes: list[str] = Field(default=[], description="Ids of the nodes; none: all of them", max_length=40)
    region: str = Field(default="", description="Region; none: the site's")

    why_no_undo = "What the nodes held is gone; the services fill the cache again."
    verify_within_s = 900.0

    async def plan(self, world: World) -> Plan:
        """Says which nodes, and of whom they are the primary."""
        nodes, primary_of = await self._check(world)
        warnings = ["All that these nodes hold is lost; clients are cut off while they reboot."]
        if primary_of:
            warnings.append(f"{self.cluster} is the primary of {primary_of}: its replicas may be emptied too.")
        return Plan(
            targets=(f"cache:{self.cluster}",),
            effect=f"Reboot {self.cluster}: node {', '.join(nodes)}",
            warnings=tuple(warnings),
            data_loss="what the nodes hold",
            undo=self.why_no_undo,
        )

    async def run(self, act: Act) -> Rebooted:
        """Reboot, after one more look."""
        nodes, _ = await self._check(act)
        await act.use(Aws).at(self.region).cache_reboot(self.cluster, nodes)
        return Rebooted(cluster=self.cluster, nodes=nodes, since=act.now)

    async def verify(self, world: World, done: Rebooted) -> Seen:
        """The cluster is available and its events say that each node restarted: the status alone proves nothing."""
        seen = await world.use(AwsReads).at(self.region).cache_cluster(done.cluster)
        back = await self._restarted(world, done)
        if seen.status == "available" and not set(done.nodes) - back:
            return Seen(ok=True, text=f"{done.cluster} is available, node {', '.join(done.nodes)} restarted")
        missing = ", ".join(sorted(set(done.nodes) - back)) or "none"
        return Seen(ok=None, text=f"{done.cluster} is {seen.status}; not restarted yet: {missing}", again_in=5.0)

    async def reconcile(self, world: World) -> Found:
        """Its events since the step began decide; untouched after three minutes, it did not happen."""
        seen = await world.use(AwsReads).at(self.region).cache_cluster(self.cluster)
        began = world.started_at or world.now
        done = Rebooted(cluster=self.cluster, nodes=self.nodes or sorted(seen.nodes), since=began)
        said = await self._events(world, done)
        if said:
            return Found(happened=True, evidence=f"{self.cluster} is {seen.status}; AWS says: {said[-1]}", outputs=done)
        waited = (world.now - began).total_seconds()
        evidence = f"{self.cluster} is {seen.status} and has no event of a reboot {waited:.0f} s after the start."
        untouched = seen.status == "available" and waited >= SETTLED_S
        return Found(happened=False if untouched else None, evidence=evidence)

    async def _restarted(self, world: World, done: Rebooted) -> set[str]:
        events = await self._events(world, done)
        return {node for node in done.nodes if any(node in one and "restarted" in one for one in events)}

    async def _events(self, world: World, done: Rebooted) -> list[str]:
        """AWS's sentences about shut down and restarted nodes since it was asked, oldest first."""
        since = done.since - timedelta(seconds=SKEW_S)
        events = await world.use(AwsReads).at(self.region).cache_events(done.cluster, since)
        return [one.text for one in events if any(word in one.text for word in ("shutdown", "restarted", "reboot"))]

    async def _check(self, world: World) -> tuple[list[str], str]:
        """(nodes to reboot, the replication group it is the primary of). Raises Refused."""
        reads = world.use(AwsReads).at(self.region)
        seen = await reads.cache_cluster(self.cluster)
        if unknown := sorted(set(self.nodes) - set(seen.nodes)):
            raise Refused(f"{self.cluster} has no node {', '.join(unknown)}.", todo=f"It has {', '.join(seen.nodes)}.")
        if seen.status != "available":
            raise Refused(f"{self.cluster} is {seen.status}; it can be rebooted when it is available.",
                          todo="Wait for it, then ask again.")  # fmt: skip
        nodes = self.nodes or sorted(seen.nodes)
        if not seen.group:
            return nodes, ""
        try:
            group = await reads.cache_group(seen.group)
        except ServiceRefused as error:
            if error.code != "ReplicationGroupNotFoundFault":
                raise
            return nodes, ""
        if group.cluster_mode:
            raise Refused(f"{self.cluster} belongs to {group.id}, which is in cluster mode: AWS does not reboot it.",
                          todo="Fail one of its shards over instead.")  # fmt: skip
        return nodes, next((group.id for shard in group.shards if shard.primary == seen.id), "")

    def say(self, done: Rebooted) -> str:
        """Which nodes of which cluster."""
        return f"{done.cluster}: node {', '.join(done.nodes)} asked to reboot"
