"""`pagerduty.page_people`: page certain people, approvers for instance."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, World, action
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads
from playbooks.errors import MusterError, Refused, Temporary, Uncertain


class PagedPeople(Outputs):
    """Who is paged, and who is not and why."""

    paged: tuple[str, ...] = Field(description="E-mails of those paged")
    not_paged: tuple[str, ...] = Field(description='One line per person not paged: "eve@example.com: no such user"')
    pages: tuple[str, ...] = Field(description="Ids of the PagerDuty incidents, one per person")


@action(
    "pagerduty.page_people",
    risk=Risk.WRITE,
    again=Again.KEYED,
    needs=("pagerduty:incidents.write", "pagerduty:users.read"),
    result=PagedPeople,
)
class PagePeople(Action):
    """Page certain people

    Example: {uses: pagerduty.page_people, with: {emails: [ben@example.com], title: Approval needed, key: INC-42-2}}

    One PagerDuty incident each, since an incident can be assigned to one person only; the same key pages nobody twice.
    """

    emails: list[str] = Field(description="E-mails as PagerDuty knows them", min_length=1)
    title: str = Field(description="What they read first", min_length=1)
    key: str = Field(description="Key that keeps a repeat from paging again", min_length=1, max_length=200)
    details: str = Field(default="", description="More text, with the link to go to")
    service: str = Field(default="", description="PagerDuty service id; the configured one when empty")

    why_no_undo = "A page cannot be unsent."

    async def plan(self, world: World) -> Plan:
        """Says whom."""
        world.use(PagerDutyReads)
        targets = tuple(f"pagerduty:{email}" for email in self.emails)
        effect = f"Page {', '.join(self.emails)} through PagerDuty: {self.title}"
        return Plan(targets=targets, effect=effect, warnings=("Phones ring.",))

    async def run(self, act: Act) -> PagedPeople:
        """Page each. What may pass fails the step, so that it is tried again: the same key pages nobody twice."""
        tool, paged, pages = act.use(PagerDuty), [], []
        left: dict[str, MusterError] = {}
        for email in dict.fromkeys(self.emails):
            try:
                pages.append(await self._page(tool, email))
                paged.append(email)
            except (Temporary, Refused, Uncertain) as error:
                left[email] = error
        if not paged or not all(isinstance(error, Refused) for error in left.values()):
            raise _trouble(paged, left)
        lines = tuple(f"{email}: {error.message}" for email, error in left.items())
        return PagedPeople(paged=tuple(paged), not_paged=lines, pages=tuple(pages))

    async def _page(self, tool: PagerDuty, email: str) -> str:
        user = await tool.user_by_email(email)
        if user is None:
            raise Refused("PagerDuty has no user with this e-mail.", todo="Call them.")
        key = f"{self.key}/{user.id}"
        page = await tool.page_person(user.id, self.title, key=key, details=self.details, service=self.service)
        return page.id

    def say(self, done: PagedPeople) -> str:
        """Who is paged, and who is not."""
        left = f"; not paged: {', '.join(done.not_paged)}" if done.not_paged else ""
        return f"Paged {', '.join(done.paged)}{left}"


def _trouble(paged: list[str], left: dict[str, MusterError]) -> MusterError:
    """The worst of what kept somebody from being paged, and who is paged all the same."""
    kinds = (Uncertain, Temporary, MusterError)
    worst = next(error for kind in kinds for error in left.values() if isinstance(error, kind))
    if not paged:
        return worst
    words = f"Paged {', '.join(paged)}, not {', '.join(left)}: {worst.message}"
    if isinstance(worst, Temporary):
        return Temporary(words, retry_after=worst.retry_after, todo=worst.todo)
    return Uncertain(words, todo=worst.todo)
