"""`pagerduty.note`: write on the page what those paged should know."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, World, action
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads, PdIncident
from playbooks.errors import Refused

CLOCK_SLACK = timedelta(seconds=120)  # PagerDuty's clock and the database's may differ


class Noted(Outputs):
    """Where the note is."""

    page: str = Field(description="Id of the PagerDuty incident")


@action(
    "pagerduty.note",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("pagerduty:incidents.write", "pagerduty:incidents.read"),
    result=Noted,
)
class Note(Action):
    """Add a note to a page

    Example: {uses: pagerduty.note, with: {dedup_key: INC-42, text: "Failing over orders-db; no action needed."}}

    A resolved incident takes notes too. Nobody is paged.
    """

    dedup_key: str = Field(description="Key of the alert", min_length=1, max_length=255)
    text: str = Field(description="The note", min_length=1, max_length=4000)

    why_no_undo = "PagerDuty keeps notes; add another one."

    async def plan(self, world: World) -> Plan:
        """Says the text; refuses when there is no such incident."""
        await self._page(world.use(PagerDutyReads))
        effect = f"Note on the PagerDuty incident of {self.dedup_key}: “{self.text}”"
        return Plan(targets=(f"pagerduty:{self.dedup_key}",), effect=effect)

    async def run(self, act: Act) -> Noted:
        """Add it."""
        tool = act.use(PagerDuty)
        page = await self._page(tool)
        await tool.note(page.id, self.text)
        return Noted(page=page.id)

    async def reconcile(self, world: World) -> Found:
        """Looks for a note of exactly these words since the step began."""
        tool = world.use(PagerDutyReads)
        page = await self._page(tool)
        since = (world.started_at or world.now) - CLOCK_SLACK
        for one in await tool.notes(page.id):
            if one.content.strip() == self.text.strip() and (one.created_at is None or one.created_at >= since):
                return Found(True, f"The note is on page {page.id}.", Noted(page=page.id))
        return Found(False, f"Page {page.id} has no such note since then.")

    async def _page(self, tool: PagerDutyReads) -> PdIncident:
        page = await tool.incident_by_key(self.dedup_key)
        if page is None:
            raise Refused(f"PagerDuty has no incident of {self.dedup_key}. No note was added.", todo="Page first.")
        return page

    def say(self, done: Noted) -> str:
        """Noted: ..."""
        return f"Noted on page {done.page}: {self.text if len(self.text) <= 120 else self.text[:119] + '…'}"
