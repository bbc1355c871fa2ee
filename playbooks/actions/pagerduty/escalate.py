"""`pagerduty.escalate`: page the next layer of the escalation policy."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads, PdIncident, PdUser
from playbooks.errors import Refused


class Escalated(Outputs):
    """Who is paged now."""

    dedup_key: str = Field(description="Key of the alert")
    page: str = Field(description="Id of the PagerDuty incident")
    level: int = Field(description="Level of the escalation policy")
    people: tuple[str, ...] = Field(description="Names of those on call there")
    ids: tuple[str, ...] = Field(description="Their PagerDuty ids")
    already: bool = Field(default=False, description="It was with them before, so nobody was paged again")


@action(
    "pagerduty.escalate",
    risk=Risk.WRITE,
    again=Again.KEYED,  # who has it already is not paged again
    needs=("pagerduty:incidents.write", "pagerduty:escalation_policies.read", "pagerduty:oncalls.read"),
    result=Escalated,
)
class Escalate(Action):
    """Escalate a page

    Example: {uses: pagerduty.escalate, with: {dedup_key: INC-42}}

    Whoever is on call at that level of the incident's escalation policy is paged instead of those it is with now. When
    it is with all of them already, nothing is done: that is what keeps a repeat from paging twice.
    """

    dedup_key: str = Field(description="Key of the open alert", min_length=1, max_length=255)
    level: int = Field(default=2, description="Level of the escalation policy; 2 is the second layer", ge=1, le=20)

    why_no_undo = "A page cannot be unsent; who was paged can hand the incident back in PagerDuty."
    verify_within_s = 30.0

    async def plan(self, world: World) -> Plan:
        """Says whom; refuses without an open incident, such a level, or anybody on call there."""
        page, people = await self._aim(world.use(PagerDutyReads))
        names = ", ".join(one.name for one in people)
        if _with(page, people):
            effect = f"Leave the PagerDuty incident of {self.dedup_key} as it is: level {self.level} ({names}) has it"
        else:
            effect = f"Escalate the PagerDuty incident of {self.dedup_key} to level {self.level}: page {names}"
        return Plan(targets=(f"pagerduty:{self.dedup_key}",), effect=effect, warnings=("Phones ring.",))

    async def run(self, act: Act) -> Escalated:
        """Escalate, unless it is with them already."""
        tool = act.use(PagerDuty)
        page, people = await self._aim(tool)
        already = _with(page, people)
        if not already:
            await tool.escalate(page.id, self.level)
        return Escalated(
            dedup_key=self.dedup_key, page=page.id, level=self.level, people=tuple(one.name for one in people),
            ids=tuple(one.id for one in people), already=already,
        )  # fmt: skip

    async def verify(self, world: World, done: Escalated) -> Seen:
        """PagerDuty shows it with them, or somebody was quick and resolved it."""
        page = await world.use(PagerDutyReads).incident(done.page)
        names = ", ".join(done.people)
        if not page.open:
            return Seen(ok=True, text=f"Page {page.id} is {page.status}")
        if set(done.ids) & set(page.assigned_ids):
            return Seen(ok=True, text=f"Page {page.id} is with {names} ({page.status})")
        return Seen(ok=None, text=f"Page {page.id} is still with {', '.join(page.assigned) or 'nobody'}")

    async def _aim(self, tool: PagerDutyReads) -> tuple[PdIncident, tuple[PdUser, ...]]:
        page = await tool.open_incident(self.dedup_key)
        policy = await tool.policy(page.policy_id)
        if self.level > policy.levels:
            what = f"The escalation policy {policy.name} has no level {self.level}, only {policy.levels}."
            raise Refused(f"{what} Nobody was paged.", todo="Page people by name with pagerduty.page_people.")
        on_call = await tool.oncalls(policies=[policy.id])
        people = {one.user.id: one.user for one in on_call if one.level == self.level}
        if not people:
            what = f"Nobody is on call at level {self.level} of {policy.name}."
            raise Refused(f"{what} Nobody was paged.", todo="Page people by name with pagerduty.page_people.")
        return page, tuple(people.values())

    def say(self, done: Escalated) -> str:
        """Whom."""
        names = ", ".join(done.people)
        if done.already:
            return f"Level {done.level} ({names}) had the page already"
        return f"Escalated to level {done.level}: {names} paged"


def _with(page: PdIncident, people: tuple[PdUser, ...]) -> bool:
    """Whether the incident is with all of them."""
    return {one.id for one in people} <= set(page.assigned_ids)
