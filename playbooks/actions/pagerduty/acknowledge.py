"""`pagerduty.acknowledge`: acknowledge a page."""

from __future__ import annotations

from pydantic import Field, model_validator

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads
from playbooks.errors import NotConfigured
from playbooks.secrets import SecretRef

ENOUGH = ("acknowledged", "resolved")


class Acknowledged(Outputs):
    """The alert the event was sent for, or the incident that was acknowledged by its id."""

    dedup_key: str = Field(default="", description="Key of the alert")
    incident: str = Field(default="", description="PagerDuty's id of the incident")


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

    By the key of an alert of ours, or by PagerDuty's id of an incident that somebody else's integration opened: the
    Events API drops what comes through another routing key without a word.
    """

    dedup_key: str = Field(default="", description="Key the alert was triggered with", max_length=255)
    incident: str = Field(default="", description="PagerDuty's id of the incident, instead of a key", max_length=40)
    routing_key: SecretRef | None = Field(default=None, description="Integration key; the configured one when absent")

    why_no_undo = "A page acknowledged by mistake can be re-opened in PagerDuty."
    verify_within_s = 30.0

    @model_validator(mode="after")
    def _one_of_them(self) -> Acknowledge:
        if bool(self.dedup_key) == bool(self.incident):
            raise ValueError("needs dedup_key or incident, not both")
        return self

    async def plan(self, world: World) -> Plan:
        """Says which alert."""
        world.use(PagerDutyReads)
        what = f"incident {self.incident}" if self.incident else f"alert {self.dedup_key}"
        return Plan(
            targets=(f"pagerduty:{self.incident or self.dedup_key}",), effect=f"Acknowledge the PagerDuty {what}"
        )

    async def run(self, act: Act) -> Acknowledged:
        """Send the event. PagerDuty drops it silently when no alert is open, so only verify knows (contract C1)."""
        if self.incident:
            await act.use(PagerDuty).acknowledge_incident(self.incident)
            return Acknowledged(incident=self.incident)
        await act.use(PagerDuty).acknowledge(self.dedup_key, routing_key=self.routing_key)
        return Acknowledged(dedup_key=self.dedup_key)

    async def verify(self, world: World, done: Acknowledged) -> Seen:
        """PagerDuty shows no such incident that still waits."""
        tool = world.use(PagerDutyReads)
        try:
            found = await (tool.incident(done.incident) if done.incident else tool.incident_by_key(done.dedup_key))
        except NotConfigured as error:
            return Seen(ok=True, text=f"Accepted by PagerDuty; not checked: {error.message}")
        if found is None:
            return Seen(
                ok=True, text=f"PagerDuty has no incident of {done.dedup_key}; there was nothing to acknowledge"
            )
        if found.status in ENOUGH:
            facts = {} if done.incident else {"page": found.id}  # the incident's own page is another one
            return Seen(ok=True, text=f"Page {found.id} is {found.status}", facts=facts)
        return Seen(ok=None, text=f"Page {found.id} is still {found.status}")

    def say(self, done: Acknowledged) -> str:
        """Sent."""
        return f"Page {done.incident or done.dedup_key} acknowledged"
