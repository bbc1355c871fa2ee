"""`kubernetes.overview`: nodes, pods in trouble, and what they use."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.actions.clusters import MOST, Cluster, Namespace, troubles
from playbooks.connectors.kubernetes import KubernetesReads
from playbooks.connectors.kubernetes_shapes import Node, Usage

MIB = 2**20


class ClusterSeen(Outputs):
    """A namespace and the nodes it runs on."""

    nodes: tuple[str, ...] = Field(description="Each node: its state and what it uses")
    nodes_ready: int = Field(description="Nodes that are ready, schedulable and without pressure")
    nodes_total: int = Field(description="All nodes")
    pods_ready: int = Field(description="Pods that are ready")
    pods_total: int = Field(description="Pods that should be")
    trouble: tuple[str, ...] = Field(description="Pods that are not well")
    usage: tuple[str, ...] = Field(description="The pods that use most memory")
    metrics: bool = Field(description="Whether there is a metrics server; without it usage is not known")
    warnings: tuple[str, ...] = Field(description="The newest warning events")


@action(
    "kubernetes.overview",
    risk=Risk.READ,
    again=Again.SAFE,
    needs=("kubernetes:nodes.list", "kubernetes:pods.list", "kubernetes:events.list", "kubernetes:metrics.list"),
    result=ClusterSeen,
)
class Overview(Action):
    """Look at nodes and pods

    Example: {uses: kubernetes.overview, with: {namespace: production-dr}}
    """

    namespace: Namespace
    cluster: Cluster = ""

    async def look(self, world: World) -> ClusterSeen:
        """Ask once."""
        reads = world.use(KubernetesReads)
        nodes = await reads.nodes(self.cluster)
        pods = [one for one in await reads.pods(self.namespace, cluster=self.cluster) if not one.ended]
        used = await reads.node_usage(self.cluster)
        by_pod = sorted(await reads.pod_usage(self.namespace, self.cluster) or (), key=lambda one: -one.memory)
        warnings = await reads.warnings(self.namespace, self.cluster)
        fine = [one for one in nodes if one.ready and one.schedulable and not one.trouble]
        return ClusterSeen(
            nodes=tuple(_node(one, used) for one in nodes[:MOST]), nodes_ready=len(fine), nodes_total=len(nodes),
            pods_ready=sum(one.ready for one in pods), pods_total=len(pods), trouble=tuple(troubles(pods)[:MOST]),
            usage=tuple(f"{one.name}: {one.cpu:.2f} cores, {one.memory // MIB} MiB" for one in by_pod[:5]),
            metrics=used is not None, warnings=tuple(warning[:200] for warning in warnings[-5:]),
        )  # fmt: skip

    def say(self, done: ClusterSeen) -> str:
        """2 of 3 nodes fine, 5 of 6 pods ready; api-x: CrashLoopBackOff."""
        wrong = f"; {'; '.join(done.trouble[:3])}" if done.trouble else ""
        nodes = f"{done.nodes_ready} of {done.nodes_total} nodes fine"
        return f"{nodes}, {done.pods_ready} of {done.pods_total} pods of {self.namespace} ready{wrong}"


def _node(node: Node, used: list[Usage] | None) -> str:
    """node-a: ready, 35 % cpu, 41 % memory."""
    state = ["ready" if node.ready else "NOT READY", *([] if node.schedulable else ["cordoned"]), *node.trouble]
    for row in used or ():
        if row.name == node.name and node.cpu and node.memory:
            state += [f"{row.cpu / node.cpu:.0%} cpu", f"{row.memory / node.memory:.0%} memory"]
    return f"{node.name}: {', '.join(state)}"
