"""ElastiCache: cache clusters, replication groups, and what AWS did to them (contract E2). Part of `aws.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws_client import AwsClient


@dataclass(frozen=True)
class CacheCluster:
    """A cache cluster. nodes: id -> status ("available"); group: its replication group, "" where it has none."""

    id: str
    status: str
    engine: str
    group: str
    nodes: Mapping[str, str]


@dataclass(frozen=True)
class CacheShard:
    """A node group. primary, replicas: cache cluster ids, "" and none where AWS names no roles (cluster mode)."""

    id: str
    primary: str
    replicas: tuple[str, ...]


@dataclass(frozen=True)
class CacheGroup:
    """A replication group. automatic: whether AWS fails it over by itself; cluster_mode: its data is in slots."""

    id: str
    status: str
    automatic: bool
    cluster_mode: bool
    shards: tuple[CacheShard, ...]


@dataclass(frozen=True)
class CacheEvent:
    """One event: when (UTC) and ElastiCache's own sentence."""

    at: datetime
    text: str


class CacheReads(AwsClient):
    """What can be asked of ElastiCache."""

    async def cache_cluster(self, cluster: str) -> CacheCluster:
        """One cache cluster with its nodes. Refused CacheClusterNotFound."""
        told = await self._call(
            "elasticache", "describe_cache_clusters", write=False, CacheClusterId=cluster, ShowCacheNodeInfo=True
        )
        raw = told["CacheClusters"][0]
        nodes = {str(one["CacheNodeId"]): str(one["CacheNodeStatus"]) for one in raw.get("CacheNodes") or ()}
        return CacheCluster(
            str(raw["CacheClusterId"]), str(raw.get("CacheClusterStatus") or ""), str(raw.get("Engine") or ""),
            str(raw.get("ReplicationGroupId") or ""), nodes,
        )  # fmt: skip

    async def cache_group(self, group: str) -> CacheGroup:
        """One replication group. Refused ReplicationGroupNotFoundFault."""
        told = await self._call("elasticache", "describe_replication_groups", write=False, ReplicationGroupId=group)
        if not told.get("ReplicationGroups"):
            raise ServiceRefused("AWS", "ReplicationGroupNotFoundFault", f"AWS knows no replication group {group}.")
        return _group(told["ReplicationGroups"][0])

    async def cache_events(self, id: str, since: datetime, *, group: bool = False) -> list[CacheEvent]:
        """What ElastiCache did to a cache cluster (or replication group) since a moment (UTC), oldest first."""
        kind = "replication-group" if group else "cache-cluster"
        told = await self._call(
            "elasticache", "describe_events", write=False, SourceIdentifier=id, SourceType=kind, StartTime=since
        )
        events = [CacheEvent(raw["Date"], str(raw.get("Message") or "")) for raw in told.get("Events") or ()]
        return sorted((one for one in events if one.at >= since), key=lambda one: one.at)


class CacheActs(AwsClient):
    """What can be done in ElastiCache."""

    async def cache_reboot(self, cluster: str, nodes: Sequence[str]) -> None:
        """Reboot nodes of a cache cluster; what they hold is lost. Accepted is not done: look at its events."""
        await self._call(
            "elasticache", "reboot_cache_cluster", write=True, CacheClusterId=cluster, CacheNodeIdsToReboot=list(nodes)
        )

    async def cache_test_failover(self, group: str, shard: str) -> None:
        """Let a replica of a node group become its primary, as in a failure. Only with automatic failover."""
        await self._call("elasticache", "test_failover", write=True, ReplicationGroupId=group, NodeGroupId=shard)

    async def cache_set_primary(self, group: str, cluster: str) -> None:
        """Name the primary of a replication group of one shard. Only without automatic failover."""
        await self._call(
            "elasticache", "modify_replication_group", write=True, ReplicationGroupId=group, PrimaryClusterId=cluster,
            ApplyImmediately=True,
        )  # fmt: skip


def _group(raw: Mapping[str, Any]) -> CacheGroup:
    shards = []
    for shard in raw.get("NodeGroups") or ():
        held = [(str(one.get("CurrentRole") or ""), str(one["CacheClusterId"])) for one in shard["NodeGroupMembers"]]
        primary = next((id for role, id in held if role == "primary"), "")
        replicas = tuple(sorted(id for role, id in held if role == "replica"))
        shards.append(CacheShard(str(shard["NodeGroupId"]), primary, replicas))
    return CacheGroup(
        str(raw["ReplicationGroupId"]), str(raw.get("Status") or ""), raw.get("AutomaticFailover") == "enabled",
        bool(raw.get("ClusterEnabled")), tuple(shards),
    )  # fmt: skip
