"""Nudges: a direct message to the person who has to act, one live per subject, that can be put off.

Belongs here: to whom, once, with the button that puts it off, quiet in drills; which timers may be put off. Does not
belong here: when anything is due (commands/timers/<kind>.py).
A subject is a timer: of the incident ("update" of INC-1), or of one thing in it ("clock" of INC-1/gdpr, put off as
"gdpr"). Its next nudge is that one timer, so putting it off moves a row; an older message's button does the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from commands.command import Button, Reply
from playbooks.policy import Policy
from storage import incidents, people, replies, timers
from storage.db import Tx
from storage.incidents import Incident
from storage.timers import Timer

# Kinds of timers whose nudges may be put off. A page nobody has acknowledged may not: acknowledge it.
SNOOZABLE = ("update", "clock", "followup", "eta", "task", "role")
SNOOZE = "30m"
DEFAULT, MOST = timedelta(minutes=30), timedelta(days=1)


def nudge(
    tx: Tx,
    incident: Incident,
    timer: str,
    text: str,
    *,
    to: Iterable[str],
    about: str = "",
    snooze: str = SNOOZE,
    buttons: tuple[Button, ...] = (),
) -> list[str]:
    """Write to these people about `timer` (of the incident, or of `about` in it). Returns those who are written to.

    An earlier nudge of the same subject that has not gone out yet is withdrawn. In a drill nobody is written to.
    snooze: how long its button puts it off; "" for none.
    """
    if incident.kind == "drill":
        return []
    word = about or timer
    prefix = f"nudge:{incident.id}:{timer}:{about}:"
    replies.withdraw(tx, prefix)
    later = Button(label=f"Snooze {snooze}", line=f"incident snooze {incident.id} {word} {snooze}")
    body = Reply(text=text, buttons=(*buttons, *((later,) if snooze else ()))).model_dump(mode="json")
    told = []
    for person in dict.fromkeys(to):
        if mine := people.accounts_of(tx, person, "slack"):
            id = f"{prefix}{tx.now.isoformat()}:{person}"
            replies.add(tx, ask=None, account_kind="slack", account=mine[0].id, channel=None, body=body, id=id)
            told.append(person)
    return told


def holder(tx: Tx, policy: Policy, incident: Incident, *wanted: str) -> list[str]:
    """Who wears the first of these hats that is worn, else who declared it. A hat is named by name or alias."""
    worn = incidents.roles(tx, incident.id)
    for one in wanted:
        for name, role in policy.roles.items():
            if one in (name, *role.aliases) and name in worn:
                return [worn[name].person]
    return [incident.declared_by]


def live(tx: Tx, incident: str, word: str = "") -> list[Timer]:
    """Nudges still to come that this word means ("update", "gdpr", "clock-gdpr"); all of the incident's for ""."""
    mine = [one for one in timers.pending_of(tx, incident) if one.kind in SNOOZABLE]
    said = word.lower()
    return [one for one in mine if not said or said in (word_of(one), f"{one.kind}-{word_of(one)}")]


def word_of(timer: Timer) -> str:
    """What people call the subject of a timer: "gdpr" of INC-1/gdpr, else the timer's own kind."""
    return (timer.subject.partition("/")[2] or timer.kind).lower()


def working(policy: Policy, at: datetime) -> datetime:
    """This time when it is in working hours, else when they begin next. UTC."""
    organisation = policy.organisation
    calendar, zone = organisation.calendar, ZoneInfo(organisation.time_zone)
    local = at.astimezone(zone)
    if calendar.is_business_day(local.date()) and calendar.opens <= local.time() < calendar.closes:
        return at
    day = local.date() if local.time() < calendar.opens else local.date() + timedelta(days=1)
    day = calendar.business_days_after(day, 0)
    return datetime.combine(day, calendar.opens, zone).astimezone(UTC)


def closing_of(policy: Policy, days: int, start: datetime) -> datetime:
    """The end of the working day so many business days after `start`. UTC."""
    organisation = policy.organisation
    zone = ZoneInfo(organisation.time_zone)
    return closing_on(policy, organisation.calendar.business_days_after(start.astimezone(zone).date(), days))


def closing_on(policy: Policy, day: date) -> datetime:
    """The end of that working day. UTC."""
    organisation = policy.organisation
    return datetime.combine(day, organisation.calendar.closes, ZoneInfo(organisation.time_zone)).astimezone(UTC)
