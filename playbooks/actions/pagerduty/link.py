"""`pagerduty.link`: tell those paged where everybody is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, World, action
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads
from playbooks.secrets import SecretRef


class Linked(Outputs):
    """The alert that carries the link now."""

    dedup_key: str = Field(description="Key of the alert")


@action("pagerduty.link", risk=Risk.WRITE, again=Again.KEYED, needs=("pagerduty:events",), result=Linked)
class Link(Action):
    """Link the page to the channel

    Example: {uses: pagerduty.link, with: {dedup_key: INC-42, summary: checkout is down, link: "https://example.com/c"}}

    A second event of the same open alert: nobody is paged again.
    """

    dedup_key: str = Field(description="Key of the open alert", min_length=1, max_length=255)
    summary: str = Field(description="The alert's summary, repeated; cut at 1024 characters", min_length=1)
    link: str = Field(description="Address of the channel", min_length=1)
    link_text: str = Field(default="Incident channel", description="Words of the link")
    severity: Literal["critical", "error", "warning", "info"] = Field(default="critical", description="As first sent")
    source: str = Field(default="muster", description="The system affected, as first sent")
    routing_key: SecretRef | None = Field(default=None, description="Integration key; the configured one when absent")

    why_no_undo = "A link harms nobody; it goes away with the alert."

    async def plan(self, world: World) -> Plan:
        """Says which link."""
        world.use(PagerDutyReads)
        return Plan(
            targets=(f"pagerduty:{self.dedup_key}",),
            effect=f"Add the link {self.link} to the PagerDuty alert {self.dedup_key}",
        )

    async def run(self, act: Act) -> Linked:
        """Send the event again, with the link."""
        await act.use(PagerDuty).trigger(
            self.dedup_key, self.summary, severity=self.severity, source=self.source, link=self.link,
            link_text=self.link_text, routing_key=self.routing_key,
        )  # fmt: skip
        return Linked(dedup_key=self.dedup_key)

    def say(self, done: Linked) -> str:
        """Linked."""
        return f"{self.link_text} linked to the page"
