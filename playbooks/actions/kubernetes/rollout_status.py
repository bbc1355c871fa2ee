"""`kubernetes.rollout_status`: how far a deployment's rollout is, and what could be gone back to."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Again, Outputs, Risk, World, action
from playbooks.actions.clusters import MOST, OnDeployment, troubles
from playbooks.connectors.kubernetes import KubernetesReads


class RolloutSeen(Outputs):
    """A deployment and its rollout."""

    deployment: str = Field(description="namespace/name")
    revision: int = Field(description="Its revision now")
    images: tuple[str, ...] = Field(description="Images it runs")
    replicas: int = Field(description="Pods wanted")
    available: int = Field(description="Pods available")
    done: bool = Field(description="Whether every pod is of the newest template and available")
    failed: bool = Field(description="Whether the rollout has exceeded its deadline")
    state: str = Field(description="How far it is, in words")
    paused: bool = Field(description="Whether it is paused")
    previous: int = Field(description="The revision before this one that is still kept, 0 without one")
    revisions: tuple[str, ...] = Field(description="Kept revisions and their images, oldest first")
    trouble: tuple[str, ...] = Field(description="Pods that are not well")


@action(
    "kubernetes.rollout_status",
    risk=Risk.READ,
    again=Again.SAFE,
    needs=("kubernetes:deployments.get", "kubernetes:replicasets.list", "kubernetes:pods.list"),
    result=RolloutSeen,
)
class RolloutStatus(OnDeployment):
    """Look at a deployment's rollout

    Example: {uses: kubernetes.rollout_status, with: {namespace: production, deployment: atlantic-api}}
    """

    async def look(self, world: World) -> RolloutSeen:
        """Ask once."""
        reads = world.use(KubernetesReads)
        seen = await self.seen(world)
        state, revisions = seen.rollout(), await reads.revisions(seen, self.cluster)
        pods = await reads.pods(self.namespace, seen.selector, cluster=self.cluster)
        older = [one.number for one in revisions if one.number < seen.revision]
        return RolloutSeen(
            deployment=seen.place, revision=seen.revision, images=seen.images, replicas=seen.replicas,
            available=seen.available, done=bool(state.done), failed=state.done is False, state=state.text,
            paused=seen.paused, previous=max(older, default=0), trouble=tuple(troubles(pods)[:MOST]),
            revisions=tuple(f"{one.number}: {', '.join(one.images)}" for one in revisions[-MOST:]),
        )  # fmt: skip

    def say(self, done: RolloutSeen) -> str:
        """production/atlantic-api, revision 2: 3 of 3 pods available."""
        wrong = f"; {'; '.join(done.trouble[:3])}" if done.trouble else ""
        return f"{done.deployment}, revision {done.revision}: {done.state}{wrong}"
