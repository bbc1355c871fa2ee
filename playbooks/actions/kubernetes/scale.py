"""`kubernetes.scale`: more pods for a deployment."""

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


class Scaled(Outputs):
    """How many pods were wanted before and are now."""

    deployment: str = Field(default="", description="namespace/name")
    before: int = Field(default=0, description="Replicas before")
    replicas: int = Field(default=0, description="Replicas now")


@action(
    "kubernetes.scale",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("kubernetes:deployments.get", "kubernetes:deployments.patch", "kubernetes:pods.list",
           "kubernetes:horizontalpodautoscalers.list"),
    result=Scaled,
)  # fmt: skip
class Scale(OnDeployment):
    """Scale a deployment up

    Example: {uses: kubernetes.scale, with: {namespace: production, deployment: atlantic-api, replicas: 10}}

    Only ever raises: one that has as many pods or more is left as it is. Fewer is kubernetes.scale_down, which takes
    approvals, since it can cut users off. Refuses more than an autoscaler would leave standing.
    """

    replicas: int = Field(description="Pods there should be at least", ge=1, le=1000)

    verify_within_s = 600.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """From how many to how many."""
        return replicas_changed(params, outputs)

    async def plan(self, world: World) -> Plan:
        """Says from how many to how many."""
        seen, warnings = await self._check(world)
        if seen.replicas >= self.replicas:
            effect = f"Leave {seen.place} at {seen.replicas} replicas: it has at least {self.replicas} already"
            return Plan(targets=(await self.target(world),), effect=effect)
        return Plan(
            targets=(await self.target(world),),
            effect=f"Scale {seen.place} from {seen.replicas} to {self.replicas} replicas",
            warnings=warnings,
            notes=(f"Now: {seen.rollout().text}",),
            undo=f"Scale it down to {seen.replicas} again, with the full quorum.",
        )

    async def run(self, act: Act) -> Scaled:
        """Raise it. Looks once more first: somebody may have."""
        seen, _ = await self._check(act)
        if seen.replicas >= self.replicas:
            return Scaled(deployment=seen.place, before=seen.replicas, replicas=seen.replicas)
        note = {"key": act.key, "before": seen.replicas, "replicas": self.replicas}
        await act.use(Kubernetes).set_replicas(seen, self.replicas, note, self.cluster)
        return Scaled(deployment=seen.place, before=seen.replicas, replicas=self.replicas)

    async def verify(self, world: World, done: Scaled) -> Seen:
        """That many pods are available."""
        seen = await self.seen(world)
        if seen.replicas < self.replicas:
            return Seen(ok=False, text=f"{seen.place} was set to {seen.replicas} replicas by something else")
        if seen.observed >= seen.generation and seen.available >= self.replicas:
            return Seen(ok=True, text=f"{seen.place}: {seen.available} of {seen.replicas} pods available")
        look = await self.rolled(world, seen, seen.place)
        return Seen(ok=None, text=look.text, again_in=2.0)

    async def reconcile(self, world: World) -> Found:
        """The note on the deployment says which attempt scaled it last."""
        seen = await self.seen(world)
        before, after = int(seen.change.get("before", 0)), int(seen.change.get("replicas", 0))
        return by_note(world, seen.change, seen.place, Scaled(deployment=seen.place, before=before, replicas=after))

    @classmethod
    def undo_risk(cls) -> Risk:
        """Fewer pods can cut users off, whoever asked for more."""
        return Risk.RECOVERABLE

    async def undo(self, act: Act, done: Scaled) -> Scaled:
        """As many as before."""
        seen = await self._raised(act, done)
        note = {"key": act.key, "before": seen.replicas, "replicas": done.before}
        await act.use(Kubernetes).set_replicas(seen, done.before, note, self.cluster)
        return Scaled(deployment=seen.place, before=seen.replicas, replicas=done.before)

    async def plan_undo(self, world: World, done: Scaled) -> Plan:
        """Refuses when nothing was raised, or somebody else scaled it since."""
        seen = await self._raised(world, done)
        gone = seen.replicas - done.before
        effect = f"Scale {seen.place} from {seen.replicas} to {done.before} replicas again"
        return Plan(targets=(await self.target(world),), effect=effect, undo="Scale it up again (kubernetes.scale).",
                    warnings=(f"{gone} pods stop; the {done.before} that stay carry everything.",))  # fmt: skip

    async def verify_undo(self, world: World, done: Scaled) -> Seen:
        """No more pods than that are there."""
        seen = await self.seen(world)
        if seen.replicas != done.before:
            return Seen(ok=False, text=f"{seen.place} was set to {seen.replicas} replicas by something else")
        settled = seen.observed >= seen.generation and seen.total <= done.before
        return Seen(ok=True if settled else None, text=f"{seen.place}: {seen.total} pods, {done.before} wanted")

    async def reconcile_undo(self, world: World, done: Scaled) -> Found:
        """As `reconcile`."""
        return await self.reconcile(world)

    async def _check(self, world: World) -> tuple[Deployment, tuple[str, ...]]:
        seen = await self.seen(world)
        auto = await world.use(KubernetesReads).autoscaler(seen, self.cluster)
        if auto is None or seen.replicas >= self.replicas:
            return seen, ()
        if self.replicas > auto.most:
            raise Refused(f"The autoscaler {auto.name} would set {seen.place} back to {auto.most} at most.",
                          todo="Raise its maximum first.")  # fmt: skip
        return seen, (f"The autoscaler {auto.name} ({auto.least} to {auto.most}) may lower it again.",)

    async def _raised(self, world: World, done: Scaled) -> Deployment:
        seen = await self.seen(world)
        if not done.deployment:
            raise Refused(f"How many replicas {seen.place} had before is not known.", todo="Scale it by a number.")
        if done.before >= done.replicas:
            raise Refused(f"{seen.place} was not scaled up by this step.", todo="There is nothing to take back.")
        if seen.replicas != done.replicas:
            raise Refused(f"{seen.place} has {seen.replicas} replicas, not {done.replicas}: it was scaled since.",
                          todo="Look again; kubernetes.scale_down takes a number.")  # fmt: skip
        return seen

    def say(self, done: Scaled) -> str:
        """production/atlantic-api scaled from 3 to 10."""
        if done.before == done.replicas:
            return f"{done.deployment} has {done.replicas} replicas already"
        return f"{done.deployment} scaled from {done.before} to {done.replicas}"
