"""`kubernetes.uncordon`: new pods on a node again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.clusters import Cluster, Name, cordoned
from playbooks.changes import Change
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads


class Uncordoned(Outputs):
    """Which node."""

    node: str = Field(description="Name of the node")


@action(
    "kubernetes.uncordon",
    risk=Risk.WRITE,
    again=Again.KEYED,  # a node that takes pods takes pods
    needs=("kubernetes:nodes.get", "kubernetes:nodes.patch"),
    result=Uncordoned,
)
class Uncordon(Action):
    """Let new pods onto a node again

    Example: {uses: kubernetes.uncordon, with: {node: node-a}}

    One that takes pods already is left as it is. Pods that went elsewhere do not come back by themselves.
    """

    node: Name = Field(description="Name of the node")
    cluster: Cluster = ""

    why_no_undo = "Cordon it again (kubernetes.cordon)."
    verify_within_s = 30.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """Not cordoned any more."""
        return cordoned(params, before=None, after=False)

    async def plan(self, world: World) -> Plan:
        """Says what is wrong with the node, if anything is."""
        reads = world.use(KubernetesReads)
        seen = await reads.node(self.node, self.cluster)
        wrong = [*([] if seen.ready else ["it is not ready"]), *(f"it has {one}" for one in seen.trouble)]
        done = "Leave node {} as it is: it takes new pods already" if seen.schedulable else "Uncordon node {}"
        return Plan(
            targets=(f"kubernetes:{await reads.cluster(self.cluster)}/node/{self.node}",),
            effect=done.format(self.node),
            notes=(f"Now {' and '.join(wrong)}.",) if wrong else (),
        )

    async def run(self, act: Act) -> Uncordoned:
        """Uncordon it."""
        seen = await act.use(KubernetesReads).node(self.node, self.cluster)
        if not seen.schedulable:
            await act.use(Kubernetes).set_schedulable(seen, True, {"key": act.key}, self.cluster)
        return Uncordoned(node=self.node)

    async def verify(self, world: World, done: Uncordoned) -> Seen:
        """It takes pods."""
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        return Seen(ok=seen.schedulable, text=f"{self.node} {'takes' if seen.schedulable else 'takes no'} new pods")

    def say(self, done: Uncordoned) -> str:
        """node-a uncordoned."""
        return f"{done.node} takes new pods"
