"""`kubernetes.drain`: a node is emptied, as far as disruption budgets allow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Answer, Found, Outputs, Park, Plan, Risk, Seen, World, action
from playbooks.actions.clusters import Cluster, Name, by_note, cordoned, listed
from playbooks.actions.durations import Length
from playbooks.changes import Change
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads
from playbooks.connectors.kubernetes_shapes import Node, Pod
from playbooks.durations import words
from playbooks.errors import Refused, Temporary, Uncertain

AT_ONCE = 25  # evictions in one turn: each is a call
TURN_S = 5.0  # between turns, as kubectl waits


class Drained(Outputs):
    """A node, and what is still on it."""

    node: str = Field(default="", description="Name of the node")
    was_cordoned: bool = Field(default=True, description="Whether it took no pods before this step")
    left: tuple[str, ...] = Field(default=(), description="Pods that are still there when the time was over, and why")


@action(
    "kubernetes.drain",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("kubernetes:nodes.get", "kubernetes:nodes.list", "kubernetes:nodes.patch", "kubernetes:pods.list",
           "kubernetes:pods.eviction.create"),
    result=Drained,
)  # fmt: skip
class Drain(Action):
    """Empty a node

    Example: {uses: kubernetes.drain, with: {node: node-a, within: 10m}}

    Cordons the node and evicts its pods, again and again while a disruption budget holds one back; what is left when
    the time is over is named. Pods of daemon sets stay. Refuses while pods are there that nobody would make anew, or
    that keep data on the node (unless `lose_local_data`).
    """

    node: Name = Field(description="Name of the node")
    within: Length = Field(default=timedelta(minutes=10), description="How long it may take (10m, 90s or seconds)")
    lose_local_data: bool = Field(default=False, description="Evict pods with emptyDir volumes too: their data is lost")
    cluster: Cluster = ""

    verify_within_s = 120.0
    timeout_s = 60.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """Cordoned, where it was not."""
        return cordoned(params, before=outputs.get("was_cordoned"), after=True)

    async def plan(self, world: World) -> Plan:
        """Says how many pods go, and what is lost with them."""
        _, pods = await self._check(world)
        cluster = await world.use(KubernetesReads).cluster(self.cluster)
        lost = [pod.place for pod in pods if pod.local]
        return Plan(
            targets=(f"kubernetes:{cluster}/node/{self.node}",),
            effect=f"Drain node {self.node} within {words(self.within)}: cordon it and evict its pods within their "
            f"disruption budgets{', with what they keep on the node' if self.lose_local_data else ''}",
            warnings=(f"What {listed(lost)} keep on the node is lost.",) if lost else (),
            notes=(f"{len(pods)} pods now: {listed([pod.place for pod in pods]) or 'none'}",),
            undo="Uncordon it; evicted pods stay where they went.",
        )

    async def run(self, act: Act) -> Drained | Park:
        """Cordon it, then evict for the first time. Looks once more first: approvals take time."""
        seen, _ = await self._check(act)
        note = {"key": act.key, "was_cordoned": not seen.schedulable}
        await act.use(Kubernetes).set_schedulable(seen, False, note, self.cluster)
        return await self._turn(act)

    async def resume(self, act: Act, answer: Answer | None) -> Drained | Park:
        """Evict what is left."""
        return await self._turn(act)

    async def _turn(self, act: Act) -> Drained | Park:
        """One round of evictions. An answer that is lost does not matter: the next round sees what is there."""
        pods = await self._pods(act)
        held = dict(await self._evicted(act, pods))
        if pods and not self._over(act):
            return Park(wake_in_s=TURN_S)
        left = tuple(f"{pod.place}: {held.get(pod.place) or 'is still leaving'}" for pod in pods)
        seen = await act.use(KubernetesReads).node(self.node, self.cluster)
        return Drained(node=self.node, was_cordoned=bool(seen.change.get("was_cordoned")), left=left)

    async def _evicted(self, act: Act, pods: list[Pod]) -> list[tuple[str, str]]:
        """Pods that may not leave now, and why."""
        held = []
        for pod in [one for one in pods if not one.leaving][:AT_ONCE]:
            try:
                why = await act.use(Kubernetes).evict(pod, self.cluster)
            except (Temporary, Uncertain, ServiceRefused) as error:
                why = error.message
            if why:
                held.append((pod.place, why))
        return held

    def _over(self, act: Act) -> bool:
        return act.started_at is not None and act.now - act.started_at >= self.within

    async def verify(self, world: World, done: Drained) -> Seen:
        """It takes no pods, and none is left."""
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        if seen.schedulable:
            return Seen(ok=False, text=f"{self.node} was uncordoned by something else")
        pods = await self._pods(world)
        if not pods:
            return Seen(ok=True, text=f"{self.node} is empty")
        stay = [pod for pod in pods if not pod.leaving]
        why = f" ({'; '.join(done.left[:3])})" if done.left else ""
        text = f"{self.node} still has {listed([pod.place for pod in stay or pods])}{why}"
        return Seen(ok=False if stay else None, text=text)

    async def reconcile(self, world: World) -> Found:
        """The note on the node says whether this attempt cordoned it; which pods are left, verify says."""
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        done = Drained(node=self.node, was_cordoned=bool(seen.change.get("was_cordoned")))
        return by_note(world, seen.change, f"Node {self.node}", done)

    async def undo(self, act: Act, done: Drained) -> Drained:
        """Uncordon it."""
        seen = await self._cordoned(act, done)
        await act.use(Kubernetes).set_schedulable(seen, True, {"key": act.key}, self.cluster)
        return done

    async def plan_undo(self, world: World, done: Drained) -> Plan:
        """Refuses when it was cordoned before, or is not any more."""
        await self._cordoned(world, done)
        cluster = await world.use(KubernetesReads).cluster(self.cluster)
        effect = f"Uncordon node {self.node}: new pods may come there again; evicted ones stay where they are"
        return Plan(targets=(f"kubernetes:{cluster}/node/{self.node}",), effect=effect, undo="Drain it again.")

    async def verify_undo(self, world: World, done: Drained) -> Seen:
        """It takes pods."""
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        return Seen(ok=seen.schedulable, text=f"{self.node} {'takes' if seen.schedulable else 'takes no'} new pods")

    async def reconcile_undo(self, world: World, done: Drained) -> Found:
        """Whatever happened, it takes pods or it does not."""
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        text = f"{self.node} {'takes' if seen.schedulable else 'takes no'} new pods."
        return Found(seen.schedulable, text, done if seen.schedulable else None)

    async def _pods(self, world: World) -> list[Pod]:
        """What must leave: not what a daemon set or the node itself would start again, nor what has run to its end."""
        pods = await world.use(KubernetesReads).pods(node=self.node, cluster=self.cluster)
        return [pod for pod in pods if pod.owner != "DaemonSet" and not pod.mirror and not pod.ended]

    async def _check(self, world: World) -> tuple[Node, list[Pod]]:
        reads = world.use(KubernetesReads)
        seen, pods = await reads.node(self.node, self.cluster), await self._pods(world)
        if alone := [pod.place for pod in pods if not pod.owner]:
            raise Refused(f"Nobody would make {listed(alone)} anew: no controller owns them.",
                          todo="Move them by hand, or delete them, then drain.")  # fmt: skip
        if not self.lose_local_data and (local := [pod.place for pod in pods if pod.local]):
            raise Refused(f"{listed(local)} keep data on {self.node} (emptyDir).",
                          todo="If it may be lost, say lose_local_data.")  # fmt: skip
        if not any(one.ready and one.schedulable for one in await reads.nodes(self.cluster) if one.name != self.node):
            raise Refused(f"No other node takes pods: what leaves {self.node} could start nowhere.",
                          todo="Add or uncordon another node first.")  # fmt: skip
        return seen, pods

    async def _cordoned(self, world: World, done: Drained) -> Node:
        seen = await world.use(KubernetesReads).node(self.node, self.cluster)
        if done.was_cordoned or seen.schedulable:
            why = "was cordoned before this step" if done.was_cordoned else "takes new pods already"
            raise Refused(f"{self.node} {why}.", todo="There is nothing to take back.")
        return seen

    def say(self, done: Drained) -> str:
        """node-a drained."""
        return f"{done.node} drained" + (f", but {len(done.left)} pods are left" if done.left else "")
