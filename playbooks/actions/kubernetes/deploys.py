"""`kubernetes.deploys`: which versions of a deployment came when, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from playbooks.action import Again, Outputs, Risk, World, action
from playbooks.actions.clusters import MOST, OnDeployment
from playbooks.connectors.kubernetes import KubernetesReads
from playbooks.connectors.kubernetes_shapes import Revision


class Deployed(Outputs):
    """The revisions of a deployment that are kept."""

    deployment: str = Field(description="namespace/name")
    revision: int = Field(description="Its revision now")
    state: str = Field(description="How far its rollout is, in words")
    newest_at: str = Field(description="When the newest revision was made (RFC 3339), empty when it does not say")
    deploys: tuple[str, ...] = Field(description="Each: number, when it was made, images, cause; the newest first")


@action(
    "kubernetes.deploys",
    risk=Risk.READ,
    again=Again.SAFE,
    needs=("kubernetes:deployments.get", "kubernetes:replicasets.list"),
    result=Deployed,
)
class Deploys(OnDeployment):
    """See what was deployed lately

    Example: {uses: kubernetes.deploys, with: {namespace: production, deployment: atlantic-api}}

    A revision is a ReplicaSet. One that was gone back to keeps the time at which it was first made.
    """

    async def look(self, world: World) -> Deployed:
        """Ask once."""
        seen = await self.seen(world)
        revisions = await world.use(KubernetesReads).revisions(seen, self.cluster)
        newest = revisions[::-1][:MOST]
        return Deployed(
            deployment=seen.place, revision=seen.revision, state=seen.rollout().text,
            newest_at=newest[0].made if newest else "", deploys=tuple(_said(one, world.now) for one in newest),
        )  # fmt: skip

    def say(self, done: Deployed) -> str:
        """production/atlantic-api: 3 of 3 pods available; 2 made 13:52 (11 min ago): api:1.5.0 | 1 made …"""
        return f"{done.deployment}: {done.state}; {' | '.join(done.deploys) or 'no revision is kept'}"


def _said(one: Revision, now: datetime) -> str:
    when = ""
    if one.made:
        made = datetime.fromisoformat(one.made).astimezone(UTC)
        minutes = max(0, int((now - made).total_seconds() // 60))
        ago = (
            f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
        )
        when = f" made {made:%d %b %H:%M} ({ago} ago)"
    cause = f" ({one.cause})" if one.cause else ""
    return f"revision {one.number}{when}: {', '.join(one.images)}{cause}"
