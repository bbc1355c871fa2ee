"""The doctor's look at Kubernetes: does every cluster the policy names answer, and are its deployments there?

Belongs here: that finding. Does not belong here: the other looks (doctor.py), the client (connectors/kubernetes.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from playbooks.connectors.kubernetes import KubernetesReads
from playbooks.policy import Policy
from playbooks.policy_services import Workload


async def look(reads: KubernetesReads, policy: Policy | None) -> str:
    """Every cluster with its version, every deployment the policy names with how far it is. Raises MusterError."""
    said = []
    work = list(_workloads(policy)) if policy else []
    for cluster in sorted({cluster for cluster, _ in work} or {""}):
        said.append(f"{await reads.cluster(cluster)} answers ({await reads.version(cluster)})")
        for _, one in (row for row in work if row[0] == cluster):
            seen = await reads.deployment(one.namespace, one.deployment, cluster)
            said.append(f"{seen.place}: {seen.rollout().text}")
    return "; ".join(said)


def _workloads(policy: Policy) -> Iterator[tuple[str, Workload]]:
    """Each deployment of the policy once, with its cluster: its own, else its site's, else the current one."""
    seen = set()
    for service in policy.services.values():
        for site, resources in ((service.site, service), *service.resources.items()):
            if resources.kubernetes is None:
                continue
            there = policy.sites.get(site or "")
            cluster = resources.kubernetes.cluster or (there.cluster if there else None) or ""
            key = (cluster, resources.kubernetes.namespace, resources.kubernetes.deployment)
            if key not in seen:
                seen.add(key)
                yield cluster, resources.kubernetes
