"""`pagerduty.add_responders`: ask more people to join a page."""

from __future__ import annotations

from pydantic import Field, model_validator

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads, PdUser
from playbooks.errors import Refused


class Asked(Outputs):
    """Who was asked, and who was not and why."""

    page: str = Field(description="Id of the PagerDuty incident")
    asked: tuple[str, ...] = Field(description="E-mails and escalation policies asked now")
    already: tuple[str, ...] = Field(default=(), description="Those that were asked before, and not again")
    not_asked: tuple[str, ...] = Field(default=(), description="E-mails PagerDuty does not know")
    ids: tuple[str, ...] = Field(default=(), description="PagerDuty ids of everybody asked, now or before")


@action(
    "pagerduty.add_responders",
    risk=Risk.WRITE,
    again=Again.KEYED,  # who was asked already is left out
    needs=("pagerduty:incidents.write", "pagerduty:users.read"),
    result=Asked,
)
class AddResponders(Action):
    """Ask more people to join a page

    Example: {uses: pagerduty.add_responders, with: {dedup_key: INC-42, emails: [eve@example.com], message: Join}}

    The incident stays with whom it is; they are notified as responders until they join or decline. Who was asked for
    this incident before is not asked again.
    """

    dedup_key: str = Field(description="Key of the open alert", min_length=1, max_length=255)
    message: str = Field(description="What they read", min_length=1, max_length=1000)
    emails: list[str] = Field(default=[], description="E-mails as PagerDuty knows them", max_length=50)
    policies: list[str] = Field(default=[], description="Escalation policy ids: their first on call", max_length=20)

    why_no_undo = "A page cannot be unsent; they can decline."
    verify_within_s = 30.0

    @model_validator(mode="after")
    def _somebody(self) -> AddResponders:
        if not self.emails and not self.policies:
            raise ValueError("name `emails`, `policies` or both")
        return self

    async def plan(self, world: World) -> Plan:
        """Says whom; refuses without an open incident."""
        await world.use(PagerDutyReads).open_incident(self.dedup_key)
        named = ", ".join([*self.emails, *(f"on call of {one}" for one in self.policies)])
        return Plan(
            targets=(f"pagerduty:{self.dedup_key}",),
            effect=f"Ask {named} to join the PagerDuty incident of {self.dedup_key}: {self.message}",
            warnings=("Phones ring.",),
        )

    async def run(self, act: Act) -> Asked:
        """Ask those who were not asked yet. Refused when PagerDuty knows nobody of them."""
        tool = act.use(PagerDuty)
        page = await tool.open_incident(self.dedup_key)
        users: dict[str, PdUser | None] = {
            email: await tool.user_by_email(email) for email in dict.fromkeys(self.emails)
        }
        known = {email: user.id for email, user in users.items() if user is not None}
        if not known and not self.policies:
            unknown = ", ".join(users)
            raise Refused(f"PagerDuty has no user with these e-mails: {unknown}. Nobody was asked.", todo="Call them.")
        wanted = known | {one: one for one in self.policies}
        fresh = {name: id_ for name, id_ in wanted.items() if id_ not in page.asked}
        if fresh:
            people = [id_ for name, id_ in fresh.items() if name in known]
            policies = [name for name in fresh if name not in known]
            await tool.ask_responders(page.id, self.message, users=people, policies=policies)
        return Asked(
            page=page.id, asked=tuple(fresh), already=tuple(name for name in wanted if name not in fresh),
            not_asked=tuple(email for email in users if email not in known), ids=tuple(wanted.values()),
        )  # fmt: skip

    async def verify(self, world: World, done: Asked) -> Seen:
        """PagerDuty lists them among those asked."""
        page = await world.use(PagerDutyReads).incident(done.page)
        missing = set(done.ids) - set(page.asked)
        if missing and page.open:
            return Seen(ok=None, text=f"Page {page.id} does not list {len(missing)} of those asked yet")
        return Seen(ok=True, text=self.say(done))

    def say(self, done: Asked) -> str:
        """Who was asked, and who was not."""
        said = f"Asked {', '.join(done.asked)} to join" if done.asked else "Nobody new to ask"
        before = f"; asked before: {', '.join(done.already)}" if done.already else ""
        unknown = f"; unknown to PagerDuty: {', '.join(done.not_asked)}" if done.not_asked else ""
        return f"{said}{before}{unknown}"
