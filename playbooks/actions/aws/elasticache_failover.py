"""`aws.elasticache_failover`: let a replica of an ElastiCache replication group become the primary."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_elasticache import CacheGroup, CacheShard
from playbooks.errors import Refused

# A failover is shown within seconds; a group that looks untouched this long after was not failed over.
SETTLED_S = 180.0


class FailedOver(Outputs):
    """What the failover was asked to move."""

    group: str = Field(description="Id of the replication group")
    node_group: str = Field(description="Id of the node group (shard)")
    from_primary: str = Field(description="Cache cluster that was the primary before")


@action(
    "aws.elasticache_failover",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=(
        "elasticache:DescribeReplicationGroups", "elasticache:DescribeEvents", "elasticache:TestFailover",
        "elasticache:ModifyReplicationGroup",
    ),
    result=FailedOver,
)  # fmt: skip
class ElastiCacheFailover(Action):
    """Fail an ElastiCache replication group over to a replica

    Example: {uses: aws.elasticache_failover, with: {group: checkout-cache, from_primary: checkout-cache-001}}

    With automatic failover AWS chooses the replica (TestFailover, at most 15 shards in a day, and AWS may refuse it in
    a large event); without it the first replica by name is made the primary. Refuses where AWS names no roles (cluster
    mode), when nothing is there to fail over to, and when the primary is not (any more) `from_primary`.
    """

    group: str = Field(description="Id of the replication group", min_length=1)
    node_group: str = Field(default="", description="Id of the node group; none: the only one")
    from_primary: str = Field(default="", description="Cache cluster that must be the primary now")
    region: str = Field(default="", description="Region; none: the site's")

    why_no_undo = "Failing back is the same action again, with approvals of its own."
    verify_within_s = 900.0

    async def plan(self, world: World) -> Plan:
        """Says from which node to which; refuses when it cannot be failed over now."""
        group, shard = await self._check(world)
        to = f"one of {', '.join(shard.replicas)}" if group.automatic else shard.replicas[0]
        return Plan(
            targets=(f"cache:{self.group}",),
            effect=f"Fail {self.group} ({shard.id}) over: {shard.primary} -> {to}",
            warnings=("Connections drop; writes the replica had not received are lost.",),
            data_loss="what the replica had not received yet (asynchronous)",
            undo="Fail over again; it is the same action.",
        )

    async def run(self, act: Act) -> FailedOver:
        """Fail over, after one more look."""
        group, shard = await self._check(act)
        aws = act.use(Aws).at(self.region)
        if group.automatic:
            await aws.cache_test_failover(self.group, shard.id)
        else:
            await aws.cache_set_primary(self.group, shard.replicas[0])
        return FailedOver(group=self.group, node_group=shard.id, from_primary=shard.primary)

    async def verify(self, world: World, done: FailedOver) -> Seen:
        """Another member is the primary and the group is available. The status alone proves nothing."""
        group = await world.use(AwsReads).at(self.region).cache_group(done.group)
        primary = next((one.primary for one in group.shards if one.id == done.node_group), "")
        moved = primary not in ("", done.from_primary)
        if moved and group.status == "available":
            return Seen(ok=True, text=f"{primary} is the primary")
        return Seen(ok=None, text=f"{group.status}, primary {primary or 'not named'}", again_in=5.0)

    async def reconcile(self, world: World) -> Found:
        """The primary against `from_primary`; else the group's events since the step began; else cannot tell."""
        reads = world.use(AwsReads).at(self.region)
        group = await reads.cache_group(self.group)
        shard = self._shard(group)
        where = f"{self.group} is {group.status} with {shard.primary} as its primary"
        done = FailedOver(group=self.group, node_group=shard.id, from_primary=self.from_primary)
        if self.from_primary and shard.primary != self.from_primary:
            return Found(happened=True, evidence=f"{where}, it was {self.from_primary}.", outputs=done)
        began = world.started_at or world.now
        events = await reads.cache_events(self.group, began - timedelta(seconds=2), group=True)
        said = [one.text for one in events if "failover" in one.text.lower()]
        if said:
            # Without from_primary the one before is unknown, and verify could not tell whether it moved.
            happened = True if self.from_primary else None
            return Found(happened=happened, evidence=f"{where}; AWS says: {said[-1]}", outputs=done)
        waited = (world.now - began).total_seconds()
        untouched = bool(self.from_primary) and group.status == "available" and waited >= SETTLED_S
        evidence = f"{where} {waited:.0f} s after the start; AWS reports no failover."
        return Found(happened=False if untouched else None, evidence=evidence)

    def _shard(self, group: CacheGroup) -> CacheShard:
        """The node group meant. Raises Refused."""
        fitting = [one for one in group.shards if self.node_group in ("", one.id)]
        if len(fitting) != 1:
            raise Refused(f"{self.group} has {len(group.shards)} node groups; {self.node_group or 'none'} was named.",
                          todo=f"Name one of {', '.join(one.id for one in group.shards)}.")  # fmt: skip
        return fitting[0]

    async def _check(self, world: World) -> tuple[CacheGroup, CacheShard]:
        group = await world.use(AwsReads).at(self.region).cache_group(self.group)
        shard = self._shard(group)
        if not shard.primary:
            raise Refused(f"AWS does not say which node of {self.group} is the primary (cluster mode): a move "
                          "could not be seen. It was left alone.", todo="Fail it over in the AWS console.")  # fmt: skip
        if not shard.replicas:
            raise Refused(f"{self.group} ({shard.id}) has no replica to fail over to.", todo="Reboot it instead.")
        if self.from_primary and shard.primary != self.from_primary:
            raise Refused(f"{self.group} has moved already: its primary is {shard.primary}, not {self.from_primary}.",
                          todo="Look again; if it must move back, ask for that.")  # fmt: skip
        if group.status != "available":
            raise Refused(f"{self.group} is {group.status}; it can be failed over when it is available.",
                          todo="Wait for it, then ask again.")  # fmt: skip
        return group, shard

    def say(self, done: FailedOver) -> str:
        """Which group is failing over."""
        return f"{done.group} ({done.node_group}) failing over from {done.from_primary or 'its primary'}"
