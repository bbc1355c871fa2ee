"""`kubernetes.scale_down`: fewer pods for a deployment, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from playbooks.action import Act, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.clusters import OnDeployment, by_note, replicas_changed
from playbooks.changes import Change
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads
from playbooks.connectors.kubernetes_shapes import Deployment
from playbooks.errors import Refused


class ScaledDown(Outputs):
    """How many pods were wanted before and are now."""

    deployment: str = Field(default="", description="namespace/name")
    before: int = Field(default=0, description="Replicas before")
    replicas: int = Field(default=0, description="Replicas now")


@action(
    "kubernetes.scale_down",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=(
        "kubernetes:deployments.get",
        "kubernetes:deployments.patch",
        "kubernetes:pods.list",
        "kubernetes:horizontalpodautoscalers.list",
    ),
    result=ScaledDown,
)
class ScaleDown(OnDeployment):
    """Scale a deployment down, or stop it

    Example: {uses: kubernetes.scale_down, with: {namespace: production-dr, deployment: samia-tarot-app, replicas: 0}}

    Only ever lowers: one that has as many pods or fewer is left as it is. With 0 nothing serves and nothing writes.
    Refuses fewer than an autoscaler would leave standing (at 0 an autoscaler stops).
    """

    replicas: int = Field(default=0, description="Pods there should be at most; 0 stops it", ge=0, le=1000)

    verify_within_s = 300.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """From how many to how many."""
        return replicas_changed(params, outputs)

    async def plan(self, world: World) -> Plan:
        """Says from how many to how many."""
        seen = await self._check(world)
        target = (await self.target(world),)
        if seen.replicas <= self.replicas:
            effect = f"Leave {seen.place} at {seen.replicas} replicas: it has at most {self.replicas} already"
            return Plan(targets=target, effect=effect)
        stays = f"the {self.replicas} that stay carry everything" if self.replicas else "nothing of it serves any more"
        return Plan(
            targets=target,
            effect=f"Scale {seen.place} from {seen.replicas} to {self.replicas} replicas",
            warnings=(f"{seen.replicas - self.replicas} pods stop; {stays}.",),
            notes=(f"Now: {seen.rollout().text}",),
            undo=f"Scale it up to {seen.replicas} again.",
        )

    async def run(self, act: Act) -> ScaledDown:
        """Lower it. Looks once more first: approvals take time."""
        seen = await self._check(act)
        if seen.replicas <= self.replicas:
            return ScaledDown(deployment=seen.place, before=seen.replicas, replicas=seen.replicas)
        return await self._set(act, seen, self.replicas)

    async def _set(self, act: Act, seen: Deployment, replicas: int) -> ScaledDown:
        note = {"key": act.key, "before": seen.replicas, "replicas": replicas}
        await act.use(Kubernetes).set_replicas(seen, replicas, note, self.cluster)
        return ScaledDown(deployment=seen.place, before=seen.replicas, replicas=replicas)

    async def verify(self, world: World, done: ScaledDown) -> Seen:
        """No more pods than that are there: a number that is wanted is not one that is."""
        seen = await self.seen(world)
        if seen.replicas > self.replicas:
            return Seen(ok=False, text=f"{seen.place} was set to {seen.replicas} replicas by something else")
        there = await world.use(KubernetesReads).pods(self.namespace, seen.selector, cluster=self.cluster)
        pods = [one for one in there if not one.ended]
        gone = seen.observed >= seen.generation and len(pods) <= self.replicas
        return Seen(ok=True if gone else None, text=f"{seen.place}: {len(pods)} pods, {seen.replicas} wanted")

    async def reconcile(self, world: World) -> Found:
        """The note on the deployment says which attempt scaled it last."""
        seen = await self.seen(world)
        before, after = int(seen.change.get("before", 0)), int(seen.change.get("replicas", 0))
        return by_note(world, seen.change, seen.place, ScaledDown(deployment=seen.place, before=before, replicas=after))

    async def undo(self, act: Act, done: ScaledDown) -> ScaledDown:
        """As many as before."""
        return await self._set(act, await self._lowered(act, done), done.before)

    async def plan_undo(self, world: World, done: ScaledDown) -> Plan:
        """Refuses when nothing was lowered, or somebody else scaled it since."""
        seen = await self._lowered(world, done)
        effect = f"Scale {seen.place} from {seen.replicas} to {done.before} replicas again"
        return Plan(targets=(await self.target(world),), effect=effect, undo="Scale it down again; the same action.")

    async def verify_undo(self, world: World, done: ScaledDown) -> Seen:
        """That many pods are available."""
        seen = await self.seen(world)
        if seen.replicas < done.before:
            return Seen(ok=False, text=f"{seen.place} was set to {seen.replicas} replicas by something else")
        look = await self.rolled(world, seen, seen.place)
        return Seen(ok=True if look.ok else None, text=look.text, again_in=2.0)

    async def reconcile_undo(self, world: World, done: ScaledDown) -> Found:
        """As `reconcile`."""
        return await self.reconcile(world)

    async def _check(self, world: World) -> Deployment:
        seen = await self.seen(world)
        if self.replicas and seen.replicas > self.replicas:
            auto = await world.use(KubernetesReads).autoscaler(seen, self.cluster)
            if auto is not None and self.replicas < auto.least:
                raise Refused(f"The autoscaler {auto.name} would set {seen.place} back to {auto.least} at least.",
                              todo="Lower its minimum first.")  # fmt: skip
        return seen

    async def _lowered(self, world: World, done: ScaledDown) -> Deployment:
        seen = await self.seen(world)
        if not done.deployment:
            raise Refused(f"How many replicas {seen.place} had before is not known.", todo="Scale it by a number.")
        if done.before <= done.replicas:
            raise Refused(f"{seen.place} was not scaled down by this step.", todo="There is nothing to take back.")
        if seen.replicas != done.replicas:
            raise Refused(f"{seen.place} has {seen.replicas} replicas, not {done.replicas}: it was scaled since.",
                          todo="Look again; kubernetes.scale takes a number.")  # fmt: skip
        return seen

    def say(self, done: ScaledDown) -> str:
        """production-dr/samia-tarot-app scaled from 3 to 0."""
        if done.before == done.replicas:
            return f"{done.deployment} has {done.replicas} replicas already"
        return f"{done.deployment} scaled from {done.before} to {done.replicas}"
