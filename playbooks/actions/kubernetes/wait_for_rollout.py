"""`kubernetes.wait_for_rollout`: go on when every pod is new and available."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Again, Outputs, Plan, Risk, World, action
from playbooks.actions.clusters import OnDeployment
from playbooks.actions.durations import Length
from playbooks.durations import words
from playbooks.errors import NotYet, Refused, Temporary


class RolledOut(Outputs):
    """What is rolled out."""

    deployment: str = Field(description="namespace/name")
    revision: int = Field(description="Its revision")
    images: tuple[str, ...] = Field(description="Images it runs")
    available: int = Field(description="Pods available")


@action(
    "kubernetes.wait_for_rollout",
    risk=Risk.READ,
    again=Again.SAFE,
    needs=("kubernetes:deployments.get", "kubernetes:pods.list"),
    result=RolledOut,
)
class WaitForRollout(OnDeployment):
    """Wait until a deployment is rolled out

    Example: {uses: kubernetes.wait_for_rollout, with: {namespace: production, deployment: atlantic-api, within: 5m}}

    Fails at once when the rollout itself has failed (its progress deadline has passed), and when it is paused.
    """

    within: Length = Field(default=timedelta(minutes=10), description="How long it may take (10m, 90s or seconds)")

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    async def look(self, world: World) -> RolledOut:
        """Look once. NotYet while it is under way, Refused when it has failed."""
        try:
            seen = await self.seen(world)
            state = await self.rolled(world, seen, seen.place)
        except Temporary as error:
            raise NotYet(error.message) from None
        if state.ok is False:
            raise Refused(f"The rollout of {state.text}.", todo="Look at the logs; roll back to the revision before.")
        if state.ok is None and seen.paused:
            raise Refused(f"{seen.place} is paused: its rollout does not go on by itself.", todo="Resume it.")
        if state.ok is None:
            raise NotYet(state.text)
        return RolledOut(deployment=seen.place, revision=seen.revision, images=seen.images, available=seen.available)

    async def plan(self, world: World) -> Plan:
        """Looks once: what must be, and what is now."""
        effect = f"{self.namespace}/{self.deployment} must be rolled out within {words(self.within)}"
        try:
            seen = await self.look(world)
        except (NotYet, Refused) as error:
            return Plan(effect=effect, notes=(f"Now: {error.message}",))
        return Plan(effect=effect, notes=(f"Now: {self.say(seen)}",), outputs=seen.model_dump(mode="json"))

    def say(self, done: RolledOut) -> str:
        """production/atlantic-api is rolled out: revision 2, 3 pods available."""
        return f"{done.deployment} is rolled out: revision {done.revision}, {done.available} pods available"
