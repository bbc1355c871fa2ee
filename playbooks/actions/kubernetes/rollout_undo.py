"""`kubernetes.rollout_undo`: a deployment goes back to the revision before."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.clusters import OnDeployment, by_note
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads
from playbooks.connectors.kubernetes_shapes import Deployment, Revision, digest_of, template_of
from playbooks.errors import Refused


class RolledBack(Outputs):
    """What was rolled back."""

    deployment: str = Field(default="", description="namespace/name")
    from_revision: int = Field(default=0, description="Revision before")
    to_revision: int = Field(default=0, description="Revision it went back to; it gets a new number with that")
    images: tuple[str, ...] = Field(default=(), description="Images of that revision")
    template: str = Field(default="", description="Digest of its pod template")


@action(
    "kubernetes.rollout_undo",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("kubernetes:deployments.get", "kubernetes:deployments.patch", "kubernetes:replicasets.list",
           "kubernetes:pods.list"),
    result=RolledBack,
)  # fmt: skip
class RolloutUndo(OnDeployment):
    """Roll a deployment back to an earlier revision

    Example: {uses: kubernetes.rollout_undo, with: {namespace: production, deployment: atlantic-api, from_revision: 2}}

    As `kubectl rollout undo` does it: the pod template of the revision's ReplicaSet becomes the deployment's. Refuses a
    paused deployment, one without an earlier revision, and one that is (no more) at `from_revision`.
    """

    to_revision: int = Field(default=0, description="Revision to go back to; 0 is the one before", ge=0)
    from_revision: int = Field(
        default=0, description="Revision it must be at now (output of kubernetes.rollout_status); 0 is any", ge=0
    )

    verify_within_s = 600.0

    async def plan(self, world: World) -> Plan:
        """Says from which revision to which, and what that changes."""
        seen, to = await self._check(world)
        after = ", ".join(to.images)
        change = f"{', '.join(seen.images)} -> {after}" if to.images != seen.images else f"{after}, set up as then"
        warnings = ["What newer code has already changed (database migrations, messages) stays as it is.",
                    "A system that deploys from Git would set it forward again."]  # fmt: skip
        if seen.strategy == "Recreate":
            warnings.insert(0, "All pods stop before new ones start: it is down in between.")
        notes = [f"Now: {seen.rollout().text}", *([f"Revision {to.number}: {to.cause}"] if to.cause else [])]
        return Plan(
            targets=(await self.target(world),),
            effect=f"Roll {seen.place} back from revision {seen.revision} to {to.number}: {change}",
            warnings=tuple(warnings),
            notes=tuple(notes),
            undo=f"Roll it to revision {seen.revision} again.",
        )

    async def run(self, act: Act) -> RolledBack:
        """Patch the template. Looks once more first: approvals take time, and somebody may have deployed."""
        seen, to = await self._check(act)
        return await self._go(act, seen, to)

    async def _go(self, act: Act, seen: Deployment, to: Revision) -> RolledBack:
        template = digest_of(to.template)
        note = {"key": act.key, "from": seen.revision, "to": to.number, "template": template}
        await act.use(Kubernetes).set_template(seen, to, template_of(to.template), note, self.cluster)
        return RolledBack(deployment=seen.place, from_revision=seen.revision, to_revision=to.number, images=to.images,
                          template=template)  # fmt: skip

    async def verify(self, world: World, done: RolledBack) -> Seen:
        """The deployment has that template, and every pod is of it. The status alone may be of the one before."""
        seen = await self.seen(world)
        if done.template and digest_of(seen.template) != done.template:
            return Seen(ok=False, text=f"{seen.place} has another pod template by now")
        return await self.rolled(world, seen, f"{', '.join(seen.images)} again")

    async def reconcile(self, world: World) -> Found:
        """The note on the deployment says which attempt changed it last."""
        seen = await self.seen(world)
        told = seen.change
        done = RolledBack(
            deployment=seen.place, from_revision=int(told.get("from", 0)), to_revision=int(told.get("to", 0)),
            images=seen.images, template=str(told.get("template", "")),
        )  # fmt: skip
        return by_note(world, told, seen.place, done)

    async def undo(self, act: Act, done: RolledBack) -> RolledBack:
        """Roll to the revision before the rollback."""
        seen, to = await self._back(act, done)
        return await self._go(act, seen, to)

    async def plan_undo(self, world: World, done: RolledBack) -> Plan:
        """Refuses when somebody has deployed since, or that revision is not kept any more."""
        seen, to = await self._back(world, done)
        effect = f"Roll {seen.place} to revision {to.number} again: {', '.join(seen.images)} -> {', '.join(to.images)}"
        return Plan(targets=(await self.target(world),), effect=effect, notes=(f"Now: {seen.rollout().text}",),
                    undo="Roll it back again; it is the same action.")  # fmt: skip

    async def verify_undo(self, world: World, done: RolledBack) -> Seen:
        """Another template again, and every pod is of it."""
        seen = await self.seen(world)
        if digest_of(seen.template) == done.template:
            return Seen(ok=None, text=f"{seen.place} is still rolled back", again_in=2.0)
        return await self.rolled(world, seen, ", ".join(seen.images))

    async def reconcile_undo(self, world: World, done: RolledBack) -> Found:
        """As `reconcile`."""
        return await self.reconcile(world)

    async def _check(self, world: World) -> tuple[Deployment, Revision]:
        seen = await self._steady(world)
        if self.from_revision and seen.revision != self.from_revision:
            raise Refused(f"{seen.place} is at revision {seen.revision}, not at {self.from_revision}: it has moved.",
                          todo="Look again; if it must go back from there, ask for that.")  # fmt: skip
        kept = await world.use(KubernetesReads).revisions(seen, self.cluster)
        older = [one for one in kept if one.number != seen.revision]
        if self.to_revision:
            to = next((one for one in kept if one.number == self.to_revision), None)
        else:
            to = older[-1] if older else None
        if to is None:
            there = ", ".join(str(one.number) for one in older) or "none besides this one"
            what = f"revision {self.to_revision}" if self.to_revision else "an earlier revision"
            raise Refused(f"{seen.place} does not keep {what}.", todo=f"Revisions there are: {there}.")
        if digest_of(to.template) == digest_of(seen.template):
            raise Refused(f"{seen.place} is at revision {to.number} already.", todo="There is nothing to roll back.")
        return seen, to

    async def _back(self, world: World, done: RolledBack) -> tuple[Deployment, Revision]:
        seen = await self._steady(world)
        if not done.template:
            raise Refused(f"From which revision {seen.place} was rolled back is not known.", todo="Name one instead.")
        if digest_of(seen.template) != done.template:
            raise Refused(f"{seen.place} is not at what it was rolled back to: something else was deployed since.",
                          todo="There is nothing to take back.")  # fmt: skip
        kept = await world.use(KubernetesReads).revisions(seen, self.cluster)
        to = next((one for one in kept if one.number == done.from_revision), None)
        if to is None:
            raise Refused(f"{seen.place} does not keep revision {done.from_revision} any more.", todo="Deploy it anew.")
        return seen, to

    async def _steady(self, world: World) -> Deployment:
        seen = await self.seen(world)
        if seen.paused:
            raise Refused(f"{seen.place} is paused: a rollback would not be rolled out.", todo="Resume it first.")
        if seen.observed < seen.generation:
            raise Refused(f"{seen.place} was changed a moment ago: which revision that is, is not known yet.",
                          todo="Look again.")  # fmt: skip
        return seen

    def say(self, done: RolledBack) -> str:
        """production/atlantic-api from revision 2 back to 1 (atlantic/api:1.4.2)."""
        where = f"from revision {done.from_revision} back to {done.to_revision}"
        return f"{done.deployment} {where} ({', '.join(done.images)})"
