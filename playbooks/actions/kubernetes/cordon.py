"""`kubernetes.cordon`: no new pods on a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.clusters import Cluster, Name, cordoned
from playbooks.changes import Change
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads
from playbooks.connectors.kubernetes_shapes import Node
from playbooks.errors import Refused


class Cordoned(Outputs):
    """Which node, and whether this step changed it."""

    node: str = Field(description="Name of the node")
    changed: bool = Field(description="Whether it let pods in before")


@action(
    "kubernetes.cordon",
    risk=Risk.WRITE,
    again=Again.KEYED,  # a node that is cordoned is cordoned; the note says whether this attempt did it
    needs=("kubernetes:nodes.get", "kubernetes:nodes.list", "kubernetes:nodes.patch"),
    result=Cordoned,
)
class Cordon(Action):
    """Let no new pods onto a node

    Example: {uses: kubernetes.cordon, with: {node: node-a}}

    Pods that are there stay. One that is cordoned already is left as it is. Refuses the last node that takes pods.
    """

    node: Name = Field(description="Name of the node")
    cluster: Cluster = ""

    verify_within_s = 30.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """Cordoned, where it was not."""
        return cordoned(params, before=not outputs.get("changed"), after=True)

    async def plan(self, world: World) -> Plan:
        """Says how many nodes still take pods."""
        reads = world.use(KubernetesReads)
        target = (f"kubernetes:{await reads.cluster(self.cluster)}/node/{self.node}",)
        seen, others = await self._check(world)
        if not seen.schedulable:
            return Plan(targets=target, effect=f"Leave node {self.node} cordoned: it is already")
        return Plan(targets=target, effect=f"Cordon node {self.node}: no new pods there", undo="Uncordon it.",
                    notes=(f"{others} other nodes take pods.",))  # fmt: skip

    async def run(self, act: Act) -> Cordoned:
        """Cordon it."""
        seen, _ = await self._check(act)
        if not seen.schedulable:
            mine = bool(act.key) and seen.change.get("key") == act.key
            return Cordoned(node=self.node, changed=mine)
        await act.use(Kubernetes).set_schedulable(seen, False, {"key": act.key}, self.cluster)
        return Cordoned(node=self.node, changed=True)

    async def verify(self, world: World, done: Cordoned) -> Seen:
        """It takes no pods."""
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        return Seen(ok=not seen.schedulable, text=f"{self.node} {'takes' if seen.schedulable else 'takes no'} new pods")

    async def undo(self, act: Act, done: Cordoned) -> Cordoned:
        """Uncordon it."""
        seen = await self._cordoned(act, done)
        await act.use(Kubernetes).set_schedulable(seen, True, {"key": act.key}, self.cluster)
        return done

    async def plan_undo(self, world: World, done: Cordoned) -> Plan:
        """Refuses when it was cordoned before, or is not any more."""
        await self._cordoned(world, done)
        cluster = await world.use(KubernetesReads).cluster(self.cluster)
        return Plan(targets=(f"kubernetes:{cluster}/node/{self.node}",), undo="Cordon it again.",
                    effect=f"Uncordon node {self.node}: new pods may come there again")  # fmt: skip

    async def verify_undo(self, world: World, done: Cordoned) -> Seen:
        """It takes pods."""
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        return Seen(ok=seen.schedulable, text=f"{self.node} {'takes' if seen.schedulable else 'takes no'} new pods")

    async def reconcile_undo(self, world: World, done: Cordoned) -> Found:
        """Whatever happened, it takes pods or it does not."""
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        words = f"{self.node} {'takes' if seen.schedulable else 'takes no'} new pods."
        return Found(seen.schedulable, words, done if seen.schedulable else None)

    async def _check(self, world: World) -> tuple[Node, int]:
        reads = world.use(KubernetesReads)
        seen = await reads.node(self.node, self.cluster)
        nodes = await reads.nodes(self.cluster)
        others = sum(one.ready and one.schedulable for one in nodes if one.name != self.node)
        if seen.schedulable and not others:
            raise Refused(f"{self.node} is the last node that takes pods: none could start anywhere.",
                          todo="Add or uncordon another node first.")  # fmt: skip
        return seen, others

    async def _cordoned(self, world: World, done: Cordoned) -> Node:
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        if not done.changed:
            raise Refused(f"{self.node} was cordoned before this step.", todo="There is nothing to take back.")
        if seen.schedulable:
            raise Refused(f"{self.node} takes new pods already.", todo="There is nothing to take back.")
        return seen

    def say(self, done: Cordoned) -> str:
        """node-a cordoned."""
        return f"{done.node} cordoned{'' if done.changed else ' already'}"
