"""`pagerduty.acknowledge`: acknowledge a page."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads
from playbooks.errors import NotConfigured
from playbooks.secrets import SecretRef

ENOUGH = ("acknowledged", "resolved")


class Acknowledged(Outputs):
    """The alert the event was sent for."""

    dedup_key: str = Field(description="Key of the alert")


@action(
    "pagerduty.acknowledge",
    risk=Risk.WRITE,
    again=Again.KEYED,
    needs=("pagerduty:events", "pagerduty:incidents.read"),
    result=Acknowledged,
)
class Acknowledge(Action):
    """Acknowledge a page

    Example: {uses: pagerduty.acknowledge, with: {dedup_key: INC-42}}
    """

    dedup_key: str = Field(description="Key the alert was triggered with", min_length=1, max_length=255)
    routing_key: SecretRef | None = Field(default=None, description="Integration key; the configured one when absent")

    why_no_undo = "A page acknowledged by mistake can be re-opened in PagerDuty."
    verify_within_s = 30.0

    async def plan(self, world: World) -> Plan:
        """Says which alert."""
        world.use(PagerDutyReads)
        return Plan(
            targets=(f"pagerduty:{self.dedup_key}",), effect=f"Acknowledge the PagerDuty alert {self.dedup_key}"
        )

    async def run(self, act: Act) -> Acknowledged:
        """Send the event. PagerDuty drops it silently when no alert is open, so only verify knows (contract C1)."""
        await act.use(PagerDuty).acknowledge(self.dedup_key, routing_key=self.routing_key)
        return Acknowledged(dedup_key=self.dedup_key)

    async def verify(self, world: World, done: Acknowledged) -> Seen:
        """PagerDuty shows no incident of this key that still waits."""
        try:
            found = await world.use(PagerDutyReads).incident_by_key(done.dedup_key)
        except NotConfigured as error:
            return Seen(ok=True, text=f"Accepted by PagerDuty; not checked: {error.message}")
        if found is None:
            return Seen(
                ok=True, text=f"PagerDuty has no incident of {done.dedup_key}; there was nothing to acknowledge"
            )
        if found.status in ENOUGH:
            return Seen(ok=True, text=f"Page {found.id} is {found.status}", facts={"page": found.id})
        return Seen(ok=None, text=f"Page {found.id} is still {found.status}")

    def say(self, done: Acknowledged) -> str:
        """Sent."""
        return f"Page {done.dedup_key} acknowledged"
