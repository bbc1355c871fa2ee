"""What moto's ElastiCache lacks, each by name. Only here, never in the product.

1. ``RebootCacheCluster``: missing. Refused unless the cluster is ``available``, for unknown nodes, in cluster mode;
   shows ``rebooting cluster nodes`` for a while; two events say that it happened (contract E2).
2. ``TestFailover``: missing. Refused without automatic failover and without a replica; shows ``modifying``, then
   another member is the primary (contract E2).
3. ``ModifyReplicationGroup`` with ``PrimaryClusterId``: moto stores the id and leaves the roles. It names the primary,
   and is refused while automatic failover is on.
4. ``DescribeEvents``: missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

from bot.sandbox.settings import Settings

Refusal = tuple[str, str]


class CacheCorrections:
    """In front of moto's replication groups and cache clusters."""

    def __init__(self, backend: Callable[[str], Any], settings: Settings) -> None:
        self.backend, self.settings = backend, settings
        self.events: list[tuple[str, datetime, str]] = []  # source, when, sentence

    def answer(self, region: str, action: str, parameters: dict[str, str]) -> str | Refusal | None:
        """The answer's XML, (code, message), or None where moto answers. Call in the event loop."""
        if action == "DescribeEvents":
            return self._told(parameters)
        if action == "RebootCacheCluster":
            return self._reboot(self.backend(region), parameters)
        named = parameters.get("PrimaryClusterId")
        if action == "TestFailover" or (action == "ModifyReplicationGroup" and named):
            return self._failover(self.backend(region), action, parameters, named)
        return None

    def _reboot(self, backend: Any, parameters: dict[str, str]) -> str | Refusal:
        id = parameters.get("CacheClusterId", "")
        cluster = backend.cache_clusters.get(id)
        if cluster is None:
            return "CacheClusterNotFound", f"CacheCluster not found: {id}"
        asked = [value for name, value in parameters.items() if name.startswith("CacheNodeIdsToReboot.")]
        nodes = {node["cache_node_id"]: node for node in cluster.cache_nodes}
        if not asked or set(asked) - set(nodes):
            return "InvalidParameterValue", f"Unknown or no cache nodes to reboot: {asked}"
        group = backend.replication_groups.get(getattr(cluster, "replication_group_id", None))
        if group is not None and group.cluster_enabled:
            return "InvalidCacheClusterState", "Reboot is not supported with cluster mode enabled."
        if cluster.cache_cluster_status != "available":
            return "InvalidCacheClusterState", f"Cache cluster {id} is not in available state."
        self._mark(cluster, asked, "rebooting cluster nodes")
        self._say(id, *(f"Cache node {node} shutdown" for node in asked))
        asyncio.get_running_loop().call_later(self.settings.reboot_seconds, self._rebooted, cluster, asked)
        return _xml("RebootCacheCluster", f"<CacheCluster><CacheClusterId>{escape(id)}</CacheClusterId></CacheCluster>")

    def _rebooted(self, cluster: Any, nodes: list[str]) -> None:
        self._mark(cluster, nodes, "available")
        self._say(cluster.cache_cluster_id, *(f"Cache node {node} restarted" for node in nodes))

    @staticmethod
    def _mark(cluster: Any, nodes: list[str], status: str) -> None:
        cluster.cache_cluster_status = status
        for node in cluster.cache_nodes:
            if node["cache_node_id"] in nodes:
                node["cache_node_status"] = "available" if status == "available" else "rebooting"

    def _failover(self, backend: Any, action: str, parameters: dict[str, str], named: str | None) -> str | Refusal:
        id = parameters.get("ReplicationGroupId", "")
        group = backend.replication_groups.get(id)
        if group is None:
            return "ReplicationGroupNotFoundFault", f"Replication group {id} not found."
        wanted = parameters.get("NodeGroupId") or group.node_groups[0]["node_group_id"]
        shard = next((one for one in group.node_groups if one["node_group_id"] == wanted), None)
        if shard is None:
            return "NodeGroupNotFoundFault", f"Node group {wanted} not found."
        automatic = group.automatic_failover == "enabled"
        if automatic is (action == "ModifyReplicationGroup"):
            return "InvalidReplicationGroupState", f"Automatic failover is {group.automatic_failover} for {id}."
        replicas = [one for one in shard["node_group_members"] if one.get("current_role") != "primary"]
        new = next((one for one in replicas if named in (None, one["cache_cluster_id"])), None)
        if group.status != "available" or new is None:
            return "InvalidReplicationGroupState", f"{id} is {group.status}, or has no such replica."
        group.status = "modifying"
        self._say(id, f"Test Failover API called for node group {wanted}" if automatic else "Primary is being changed")
        asyncio.get_running_loop().call_later(self.settings.reboot_seconds, self._moved, group, shard, new)
        return _xml(
            action, f"<ReplicationGroup><ReplicationGroupId>{escape(id)}</ReplicationGroupId></ReplicationGroup>"
        )

    def _moved(self, group: Any, shard: Any, new: dict[str, Any]) -> None:
        old = next(one for one in shard["node_group_members"] if one.get("current_role") == "primary")
        old["current_role"], new["current_role"] = "replica", "primary"
        group.status = "available"
        said = (
            f"Failover from primary node {old['cache_cluster_id']} to replica node {new['cache_cluster_id']} completed"
        )
        self._say(group.replication_group_id, said)

    def _say(self, source: str, *sentences: str) -> None:
        self.events += [(source, datetime.now(UTC), one) for one in sentences]

    def _told(self, parameters: dict[str, str]) -> str:
        source = parameters.get("SourceIdentifier", "")
        shown = "".join(
            f"<Event><SourceIdentifier>{escape(source)}</SourceIdentifier><Message>{escape(said)}</Message>"
            f"<Date>{at:%Y-%m-%dT%H:%M:%S.%fZ}</Date></Event>"
            for whose, at, said in self.events
            if whose == source
        )
        return _xml("DescribeEvents", f"<Events>{shown}</Events>")


def _xml(action: str, inner: str) -> str:
    return f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"
