"""`kubernetes.rollout_restart`: every pod of a deployment is replaced, a few at a time."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from playbooks.action import Act, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.clusters import OnDeployment
from playbooks.connectors.kubernetes import RESTARTED_AT, Kubernetes
from playbooks.connectors.kubernetes_shapes import Deployment
from playbooks.errors import Refused


def _moment(text: str) -> datetime:
    """A time as kubectl writes it; what nobody can read is taken for the newest."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


class Restarted(Outputs):
    """What was restarted."""

    deployment: str = Field(description="namespace/name")
    at: str = Field(description="When, as its pods are marked (UTC)")


@action(
    "kubernetes.rollout_restart",
    risk=Risk.WRITE,
    again=Again.KEYED,  # the deployment says which attempt restarted it last: the same one does not again
    needs=("kubernetes:deployments.get", "kubernetes:deployments.patch", "kubernetes:pods.list"),
    result=Restarted,
)
class RolloutRestart(OnDeployment):
    """Restart a deployment's pods, a few at a time

    Example: {uses: kubernetes.rollout_restart, with: {namespace: production, deployment: atlantic-api}}

    Old pods stay until new ones are ready, so it goes on serving: a deployment that would stop all its pods at once is
    refused. Pods get what config maps and secrets say now.
    """

    why_no_undo = "Pods that were replaced are gone; their configuration is what it was."
    verify_within_s = 600.0

    async def plan(self, world: World) -> Plan:
        """Says how many pods are replaced."""
        seen = await self._check(world)
        return Plan(
            targets=(await self.target(world),),
            effect=f"Restart {seen.place}: replace its {seen.replicas} pods, at most {seen.missing} missing at a time",
            warnings=("What pods hold in memory is lost, and connections to each drop once.",),
            notes=(f"Now: {seen.rollout().text}",),
        )

    async def run(self, act: Act) -> Restarted:
        """Mark the pod template with the time, as kubectl does; once for one attempt."""
        seen = await self.seen(act)
        if act.key and seen.change.get("key") == act.key:
            return Restarted(deployment=seen.place, at=str(seen.change.get("at", "")))
        seen = await self._check(act)
        at = act.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        await act.use(Kubernetes).restart(seen, at, {"key": act.key, "at": at}, self.cluster)
        return Restarted(deployment=seen.place, at=at)

    async def verify(self, world: World, done: Restarted) -> Seen:
        """Its pods are marked with that time (or were restarted again since), and all are new."""
        seen = await self.seen(world)
        marked = str(((seen.template.get("metadata") or {}).get("annotations") or {}).get(RESTARTED_AT, ""))
        if not marked or _moment(marked) < _moment(done.at):
            return Seen(ok=False, text=f"{seen.place} has been set back since: its pods are not of this restart")
        return await self.rolled(world, seen, f"{seen.place} restarted")

    async def _check(self, world: World) -> Deployment:
        seen = await self.seen(world)
        if seen.paused:
            raise Refused(f"{seen.place} is paused: its pods would not be replaced.", todo="Resume it first.")
        if not seen.replicas:
            raise Refused(f"{seen.place} has no pods to restart.", todo="Scale it up (kubernetes.scale).")
        if seen.missing >= seen.replicas:
            how = "its strategy is Recreate" if seen.strategy == "Recreate" else "all its pods may be missing at a time"
            raise Refused(f"Restarting {seen.place} would stop all its pods at once: {how}.",
                          todo="kubernetes.scale_down and kubernetes.scale do that, with approvals.")  # fmt: skip
        return seen

    def say(self, done: Restarted) -> str:
        """production/atlantic-api restarted."""
        return f"{done.deployment} restarted at {done.at}"
