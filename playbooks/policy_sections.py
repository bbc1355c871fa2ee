"""The sections of muster.yaml about people and words: organisation, severities, roles, groups, permissions, contacts.

Belongs here: their typed shapes and what can be answered from one section alone (a business day). Does not belong here:
services and sites (policy_services.py), approval rules (policy_approvals.py), looking things up (policy.py).
"""

from __future__ import annotations

import os
import re
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from playbooks.durations import Duration

ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Section(BaseModel):
    """Base of all policy models: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _or_none(value: Any) -> Any:
    return None if value == "none" else value


def _address(value: Any) -> Any:
    """Replace `${NAME}` and `${NAME:-default}` from the environment. Raises ValueError when unset without a default."""
    if not isinstance(value, str):
        return value

    def put(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) or match[2]
        if found is None:
            raise ValueError(f"the environment variable {match[1]} is not set; write ${{{match[1]}:-a default}}")
        return found

    return ENVIRONMENT.sub(put, value)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Clock = Annotated[Duration | None, BeforeValidator(_or_none)]
"""A duration, or `none`."""
Address = Annotated[str, BeforeValidator(_address)]
"""A URL or host, the only kind of value where `${NAME:-default}` is replaced from the environment."""
Word = Annotated[str, BeforeValidator(_text)]
"""Text that people may write as a number (an alias `1`)."""
Words = tuple[Word, ...]


class Calendar(Section):
    """Which days are business days, and when people work on them (in the organisation's time zone)."""

    workdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("mon", "tue", "wed", "thu", "fri")
    holidays: tuple[date, ...] = ()
    hours: str = Field(default="09:00-17:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")

    @property
    def opens(self) -> time:
        """When a working day begins."""
        return time.fromisoformat(self.hours[:5])

    @property
    def closes(self) -> time:
        """When a working day ends."""
        return time.fromisoformat(self.hours[6:])

    @field_validator("hours")
    @classmethod
    def _forward(cls, value: str) -> str:
        if value[:5] >= value[6:]:
            raise ValueError("the end must come after the beginning, such as 09:00-17:00")
        return value

    @field_validator("workdays")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("at least one weekday must be a workday")
        return value

    def is_business_day(self, day: date) -> bool:
        """A workday that is no holiday."""
        return WEEKDAYS[day.weekday()] in self.workdays and day not in self.holidays

    def business_days_after(self, day: date, n: int) -> date:
        """The n-th business day after `day` (n >= 1); n = 0 is the day itself or the first business day after it."""
        if n == 0 and not self.is_business_day(day):
            n = 1
        left = n
        while left > 0:
            day += timedelta(days=1)
            left -= self.is_business_day(day)
        return day


class SlackPlaces(Section):
    """Where Muster speaks. announce: the channel of announcements; approvals: cards outside any incident.

    archive_after: how long after `/incident close` an incident's channel is archived; none: never.
    """

    announce: str = "#incidents"
    approvals: str | None = None
    archive_after: Clock = timedelta(days=7)


class Organisation(Section):
    """Who we are, where announcements go and which days count."""

    name: str = "Our organisation"
    slack: SlackPlaces = SlackPlaces()
    security_contacts: str | None = None
    time_zone: str = "UTC"
    calendar: Calendar = Calendar()

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value} is no time zone; write one like Europe/Stockholm") from None
        return value


class PagerDutyLevel(Section):
    """How loud the page is. severity: of the Events API v2; urgency: of the REST API."""

    severity: Literal["critical", "error", "warning", "info"] = "critical"
    urgency: Literal["high", "low"] = "high"


class Invite(Section):
    """Who joins the channel at once. users: Slack ids; groups: names from `groups`."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class StatusPageRule(Section):
    """The public status page. mode: none, draft (a person presses Publish) or publish (at once).

    second_person: what people write for it is published by somebody else than who wrote it.
    """

    mode: Literal["none", "draft", "publish"] = "none"
    status: Literal["investigating", "identified", "monitoring"] = "investigating"
    impact: Literal["none", "minor", "major", "critical"] = "major"
    cadence: Clock = None
    deliver_notifications: bool = True
    second_person: bool = False

    @model_validator(mode="after")
    def _read_by_somebody(self) -> StatusPageRule:
        if self.second_person and self.mode == "publish":
            raise ValueError("mode publish asks nobody; with second_person the mode is draft")
        return self


class Review(Section):
    """The retrospective and what follows. due_business_days counts from the day of resolution, follow_up_business_days
    from the day a follow-up is written down. follow_up_ticket: jira makes an issue of each follow-up and follows it
    until it is done."""

    required: bool = False
    due_business_days: int = Field(default=5, ge=1, le=90)
    follow_up_business_days: int = Field(default=10, ge=1, le=250)
    follow_up_ticket: Literal["none", "jira"] = "none"


class Severity(Section):
    """How bad it is and what that sets off. Every `..._within` and cadence is a duration or None ("none")."""

    name: str = ""
    title: str
    description: str = ""
    examples: tuple[str, ...] = ()
    aliases: Words = ()
    page_within: Clock = None
    acknowledge_within: Clock = None
    respond_within: Clock = None
    pagerduty: PagerDutyLevel = PagerDutyLevel()
    commander_required: bool = False
    bridge: Address | None = None
    invite: Invite = Invite()
    status_page: StatusPageRule = StatusPageRule()
    update_cadence: Clock = None
    ticket: str | None = None
    customer_mail_within: Clock = None
    review: Review = Review()
    declare: str = "declare/default"
    resolve: str = "resolve/default"
    cancel: str = "cancel/default"


class Role(Section):
    """A hat in an incident. default: a Slack user id, a group, or `first_acknowledger`."""

    name: str = ""
    title: str
    duties: tuple[str, ...] = ()
    default: str | None = None
    aliases: Words = ()


class Group(Section):
    """A set of people, by one or more sources; a person in any of them is in the group."""

    name: str = ""
    title: str = ""
    slack: str | None = None
    pagerduty_schedule: str | None = None
    pagerduty_escalation_policy: str | None = None
    people: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _someone(self) -> Group:
        if not (self.slack or self.pagerduty_schedule or self.pagerduty_escalation_policy or self.people):
            raise ValueError("needs slack, pagerduty_schedule, pagerduty_escalation_policy or people")
        return self


def _groups(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Groups = Annotated[tuple[str, ...], BeforeValidator(_groups)]
"""Names from `groups`, or the one word `everyone`."""


class Permissions(Section):
    """Who may ask for what: lists of groups, or `everyone` (every full member of the home workspace)."""

    declare: Groups = ("everyone",)
    run: Groups = ("everyone",)
    plan: Groups = ("everyone",)
    administer: Groups = ()
    see_private: Groups = ()
    disaster: Groups = ("everyone",)


class Retention(Section):
    """How long the record is kept. months: after an incident's end; then `muster prune` may take its stream out."""

    months: int = Field(default=24, ge=1, le=240)


class Person(Section):
    """One human and the accounts that are theirs. The key is any short name."""

    slack: str | None = None
    pagerduty: str | None = None
    email: str | None = None
    phone: str | None = None


class Contact(Section):
    """Somebody outside to call. `when` says for what."""

    name: str = ""
    title: str
    when: str = ""
    phone: str | None = None
    email: str | None = None
    url: Address | None = None


class LegalClock(Section):
    """A deadline that starts with a finding, such as GDPR's 72 h. notify: a contact, a group or words."""

    name: str = ""
    title: str
    within: Duration
    starts: str = ""
    notify: str = ""
