"""`prometheus.queue_drained`: are queues and their dead letters empty enough?"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.prometheus import PrometheusReads
from playbooks.durations import words
from playbooks.errors import NotYet, Temporary


class Drained(Outputs):
    """How deep they are."""

    depths: dict[str, float] = Field(description="Depth by queue")


@action("prometheus.queue_drained", risk=Risk.READ, again=Again.SAFE, needs=("prometheus:query",), result=Drained)
class QueueDrained(Action):
    """Wait until queues are drained

    Example: {uses: prometheus.queue_drained, with: {queues: {webhooks: 'queue_depth{queue="webhooks"}'}, at_most: 0}}

    Every queue must be at most that deep, in each of its series; one without data is not known to be empty.
    """

    queues: dict[str, str] = Field(description="PromQL of each queue's depth, by name (service.queues)", min_length=1)
    at_most: float = Field(default=0.0, description="How deep each may be", ge=0)
    within: Length = Field(default=timedelta(minutes=15), description="How long it may take")
    url: str = Field(default="", description="Which Prometheus; PROMETHEUS_URL without it", pattern=r"^(https?://.*)?$")

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    async def look(self, world: World) -> Drained:
        """Ask once for each. NotYet while one is too deep or unknown."""
        depths, wrong = {}, []
        for name, query in self.queues.items():
            try:
                found = await world.use(PrometheusReads).now(query, url=self.url)
            except Temporary as error:
                raise NotYet(error.message) from None
            if not found or any(not one.values for one in found):
                wrong.append(f"{name} is not known")
                continue
            depths[name] = max(one.values[-1][1] for one in found)
            if depths[name] > self.at_most:
                wrong.append(f"{name} holds {depths[name]:g}")
        if wrong:
            raise NotYet("; ".join(wrong), again_in=5.0)
        return Drained(depths=depths)

    async def plan(self, world: World) -> Plan:
        """What must be, and what is now."""
        effect = f"{', '.join(self.queues)} must hold at most {self.at_most:g} within {words(self.within)}"
        try:
            seen = await self.look(world)
        except NotYet as error:
            return Plan(effect=effect, notes=(f"Now: {error.message}",))
        return Plan(effect=effect, notes=(f"Now: {self.say(seen)}",), outputs=seen.model_dump(mode="json"))

    def say(self, done: Drained) -> str:
        """How deep they are."""
        return ", ".join(f"{name} holds {depth:g}" for name, depth in done.depths.items())
