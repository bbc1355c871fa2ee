"""`pagerduty.unpage_people`: end the pages of `pagerduty.page_people`, since nobody needs to answer them any more."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, World, action
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads
from playbooks.errors import NotConfigured


class UnpagedPeople(Outputs):
    """Whose pages were open and are ended now."""

    ended: tuple[str, ...] = Field(description="Ids of the PagerDuty incidents resolved")


@action(
    "pagerduty.unpage_people",
    risk=Risk.WRITE,
    again=Again.KEYED,  # what is resolved already is left alone
    needs=("pagerduty:incidents.write", "pagerduty:users.read"),
    result=UnpagedPeople,
)
class UnpagePeople(Action):
    """End pages to certain people

    Example: {uses: pagerduty.unpage_people, with: {emails: [ben@example.com], key: INC-42-2}}
    """

    emails: list[str] = Field(description="E-mails as PagerDuty knows them", min_length=1)
    key: str = Field(description="Key the people were paged with", min_length=1, max_length=200)

    why_no_undo = "They can be paged again."

    async def plan(self, world: World) -> Plan:
        """Says whose."""
        world.use(PagerDutyReads)
        targets = tuple(f"pagerduty:{email}" for email in self.emails)
        return Plan(targets=targets, effect=f"End the pages to {', '.join(self.emails)}")

    async def run(self, act: Act) -> UnpagedPeople:
        """Look each page up by its key and resolve it; who was never paged has none."""
        tool, ended = act.use(PagerDuty), []
        if not tool.can_page_people:
            raise NotConfigured("PagerDuty cannot page people here, so nobody was.")
        for email in dict.fromkeys(self.emails):
            user = await tool.user_by_email(email)
            page = await tool.incident_by_key(f"{self.key}/{user.id}") if user else None
            if page is not None and page.status != "resolved":
                await tool.resolve_incident(page.id)
                ended.append(page.id)
        return UnpagedPeople(ended=tuple(ended))

    def say(self, done: UnpagedPeople) -> str:
        """How many."""
        return f"Ended {len(done.ended)} page{'s' * (len(done.ended) != 1)} that need no answer any more"
