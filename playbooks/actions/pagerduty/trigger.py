"""`pagerduty.trigger`: page the on-call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads, PdIncident
from playbooks.errors import NotConfigured
from playbooks.secrets import SecretRef

CLOCK_SLACK = timedelta(seconds=60)  # PagerDuty's clock and the database's may differ


class Paged(Outputs):
    """The accepted event. The incident itself shows a moment later (facts page and page_url, from verify)."""

    dedup_key: str = Field(description="Key of the alert; the same key never pages twice while it is open")


@action(
    "pagerduty.trigger",
    risk=Risk.WRITE,
    again=Again.KEYED,
    needs=("pagerduty:events", "pagerduty:incidents.read"),
    facts={"page_key": "dedup_key"},
    result=Paged,
)
class Trigger(Action):
    """Page the on-call

    Example: {uses: pagerduty.trigger, with: {dedup_key: INC-42, summary: checkout is down, severity: critical}}
    """

    dedup_key: str = Field(description="Key of the alert, the incident's id", min_length=1, max_length=255)
    summary: str = Field(description="What the on-call reads first; cut at 1024 characters", min_length=1)
    severity: Literal["critical", "error", "warning", "info"] = Field(default="critical", description="How bad it is")
    source: str = Field(default="muster", description="The system affected")
    details: dict[str, Any] = Field(default={}, description="More for the on-call, as names and values")
    link: str = Field(default="", description="Address of the channel or page to go to")
    link_text: str = Field(default="", description="Words of the link")
    routing_key: SecretRef | None = Field(default=None, description="Integration key; the configured one when absent")

    why_no_undo = "A page cannot be unsent; pagerduty.resolve ends it."
    verify_within_s = 30.0

    async def plan(self, world: World) -> Plan:
        """Says what is sent."""
        world.use(PagerDutyReads)
        effect = f"Page the on-call through PagerDuty ({self.severity}): {self.summary[:200]}"
        return Plan(targets=(f"pagerduty:{self.dedup_key}",), effect=effect, warnings=("Phones ring.",))

    async def run(self, act: Act) -> Paged:
        """Send the event."""
        await act.use(PagerDuty).trigger(
            self.dedup_key, self.summary, severity=self.severity, source=self.source, details=self.details,
            link=self.link, link_text=self.link_text, routing_key=self.routing_key,
        )  # fmt: skip
        return Paged(dedup_key=self.dedup_key)

    async def verify(self, world: World, done: Paged) -> Seen:
        """PagerDuty shows an open incident of this key: accepted is not yet an incident (contract C1)."""
        try:
            found = await world.use(PagerDutyReads).incident_by_key(done.dedup_key)
        except NotConfigured as error:
            return Seen(ok=True, text=f"Accepted by PagerDuty; not checked: {error.message}")
        if found is None or not _current(found, world):
            return Seen(ok=None, text="PagerDuty accepted the page but shows no open incident yet")
        facts = {"page": found.id, "page_url": found.url, "page_key": done.dedup_key}
        whom = found.service or "the on-call"
        return Seen(ok=True, text=f"{whom} paged (incident {found.id}, {found.status})", facts=facts)

    def say(self, done: Paged) -> str:
        """Sent."""
        return f"Page sent with key {done.dedup_key}"


def _current(found: PdIncident, world: World) -> bool:
    """Open, or made since this step began and already dealt with by somebody quick."""
    if found.open or world.started_at is None or found.created_at is None:
        return found.open
    return found.created_at >= world.started_at - CLOCK_SLACK
