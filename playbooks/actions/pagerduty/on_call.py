"""`pagerduty.on_call`: who is on call now, and at which level."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.connectors.pagerduty import PagerDutyReads

MOST = 100  # what one look shows (contract C2)


class Entry(BaseModel):
    """One person, once per level."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(description="As PagerDuty knows them")
    email: str = Field(description="E-mail, for pagerduty.page_people")
    level: int = Field(description="Level of the escalation policy, 1 is paged first")
    policy: str = Field(description="Name of the escalation policy")
    schedule: str = Field(description="Name of the schedule it comes from, empty for a permanent one")
    until: str = Field(description="When it ends (ISO 8601), empty for a permanent one")


class OnCallNow(Outputs):
    """Who is on call now."""

    where: str = Field(description="What was asked about")
    entries: tuple[Entry, ...] = Field(description="Lowest level first, at most 100")
    first: tuple[str, ...] = Field(description="E-mails of the lowest level")
    emails: tuple[str, ...] = Field(description="E-mails of everybody, each once")


@action(
    "pagerduty.on_call",
    risk=Risk.READ,
    again=Again.SAFE,
    needs=("pagerduty:oncalls.read", "pagerduty:services.read", "pagerduty:escalation_policies.read",
           "pagerduty:schedules.read"),
    result=OnCallNow,
)  # fmt: skip
class OnCall(Action):
    """See who is on call

    Example: {uses: pagerduty.on_call, with: {service: PSRVPAY}}

    Nobody on call is an answer; an id PagerDuty does not know is refused.
    """

    service: str = Field(default="", description="PagerDuty service id: whom its escalation policy pages")
    policy: str = Field(default="", description="Escalation policy id")
    schedule: str = Field(default="", description="Schedule id")

    @model_validator(mode="after")
    def _one(self) -> OnCall:
        if sum(map(bool, (self.service, self.policy, self.schedule))) != 1:
            raise ValueError("name one of `service`, `policy` and `schedule`")
        return self

    async def look(self, world: World) -> OnCallNow:
        """Ask PagerDuty now."""
        tool = world.use(PagerDutyReads)
        if self.schedule:
            where, found = await tool.schedule(self.schedule), await tool.oncalls(schedules=[self.schedule])
        else:
            policy = await (tool.policy_of(self.service) if self.service else tool.policy(self.policy))
            where, found = policy.name, await tool.oncalls(policies=[policy.id])
        entries = tuple(
            Entry(name=one.user.name, email=one.user.email, level=one.level, policy=one.policy,
                  schedule=one.schedule, until=one.end)
            for one in found[:MOST]
        )  # fmt: skip
        lowest = min((one.level for one in entries), default=0)
        first = dict.fromkeys(one.email for one in entries if one.level == lowest)
        emails = dict.fromkeys(one.email for one in entries)
        return OnCallNow(where=where, entries=entries, first=tuple(first), emails=tuple(emails))

    def say(self, done: OnCallNow) -> str:
        """Names with their levels."""
        if not done.entries:
            return f"Nobody is on call for {done.where}"
        return f"On call for {done.where}: " + ", ".join(f"{one.name} (level {one.level})" for one in done.entries)
