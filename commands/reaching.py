"""Whom people mean when they call for somebody, and how those can be reached: one person, a group, who is on call.

Belongs here: from a word to people with their addresses, the look at them before. Does not belong here: paging and
writing (runs of comms/page), which word is which (kinds.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from commands.command import Call
from commands.house import House
from commands.kinds import ME
from commands.starting import try_start
from commands.words import cut, esc, joined
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import people, runs
from storage.inbox import Ask
from storage.incidents import Incident

CALL, END_CALL = "comms/page", "comms/approvers-answered"
MOST = 15  # more phones than that are rung by naming who is on call


@dataclass(frozen=True)
class Reached:
    """Some people. named: as answers call them; users: Slack ids; emails: as PagerDuty may know them."""

    named: str
    persons: tuple[str, ...]
    users: tuple[str, ...]
    emails: tuple[str, ...]


async def look(ask: Ask, house: House, whom: str) -> None:
    """Look at them now: who somebody nobody has seen is, who is in the group, who is on call."""
    if whom.startswith("@"):
        await house.directory.refresh_group(house.policy, whom[1:])
    elif whom in house.policy.services:
        await house.directory.refresh_oncall(house.policy, whom)
    elif whom != ME and ask.account_kind == "slack":
        await house.directory.refresh_account("slack", f"{ask.account.rpartition('/')[0]}/{whom}")


def reach(call: Call, whom: str) -> Reached:
    """The people behind a word of kind "whom". Raises Refused when nobody is, or too many are."""
    policy = call.house.policy
    if whom.startswith("@"):
        persons = [one.person for one in people.members(call.tx, whom[1:])]
        return _some(call, f"@{whom[1:]}", _on_call_first(call, persons))
    if whom in policy.services:
        return _some(call, f"the on-call of {whom}", _first_level(call, policy, whom))
    person = call.person if whom == ME else person_by(call, whom)
    return of(call, call.house.directory.name(call.tx, person), [person])


def person_by(call: Call, slack: str) -> str:
    """Somebody the directory has found, as a full member. Raises Refused."""
    person = call.house.directory.person_by_slack(call.tx, slack)
    mine = people.accounts_of(call.tx, person, "slack") if person else []
    if person is None or not any(one.state in (people.MEMBER, people.UNVERIFIED) for one in mine):
        raise Refused(
            f"<@{slack}> is nobody Muster can call (a guest, a bot, of another workspace, or not known to Slack now). "
            "Nothing was done.",
            todo="Pick the name from Slack's list, or call them by telephone.",
        )
    return person


def of(call: Call, named: str, persons: Collection[str]) -> Reached:
    """These people with their addresses."""
    users, emails = [], []
    for person in dict.fromkeys(persons):
        mine = people.accounts_of(call.tx, person, "slack")
        if mine:
            users.append(mine[0].id.rpartition("/")[2])
        if mail := next((one.email for one in mine if one.email), None):
            emails.append(mail)
    return Reached(named, tuple(dict.fromkeys(persons)), tuple(users), tuple(emails))


def end_calls(call: Call, found: Incident) -> None:
    """It is over: the pages of people who were called by name end too, so that nobody's phone rings on."""
    for run in runs.of_incident(call.tx, found.id):
        given = {"emails": run.inputs.get("emails"), "key": run.inputs.get("key")}
        if run.playbook == CALL and all(given.values()):
            try_start(call, END_CALL, given, found)


def names(call: Call, persons: Collection[str]) -> str:
    """*Ben* and *Chi*"""
    return joined([f"*{esc(call.house.directory.name(call.tx, one))}*" for one in persons])


def asking(call: Call, found: Incident, why: str) -> str:
    """What somebody who is called reads first: who asks, for what, where. A private title is left out."""
    what = "" if found.private else f" · {cut(found.title, 120)}"
    who = call.house.directory.name(call.tx, call.person)
    where = f"{call.house.url}/incidents/{found.id}"
    return f"{who} asks for you in {found.id} · {found.severity}{what}.{f' {cut(why, 400)}' if why else ''} {where}"


def _some(call: Call, named: str, persons: list[str]) -> Reached:
    if not persons:
        raise Refused(
            f"Nobody is known to be {'in ' if named.startswith('@') else ''}{named} now. Nobody was paged.",
            todo="`/incident oncall` shows who is on call; `/incident page @name` calls one person.",
        )
    if len(persons) > MOST:
        raise Refused(
            f"{named} has {len(persons)} people and nobody of them is on call now. Nobody was paged.",
            todo="Name one person: `/incident page @ben`, or a service: `/incident page checkout`.",
        )
    return of(call, named, persons)


def _on_call_first(call: Call, persons: list[str]) -> list[str]:
    """Those of a group who are on call anywhere, as last seen; all of it when nobody is."""
    policies = {one.pagerduty.escalation_policy for one in call.house.policy.services.values()}
    now = {one.person for name in policies if name for one in people.on_call(call.tx, name)}
    return [one for one in persons if one in now] or persons


def _first_level(call: Call, policy: Policy, service: str) -> list[str]:
    name = policy.services[service].pagerduty.escalation_policy
    found = people.on_call(call.tx, name) if name else []
    return [one.person for one in found if one.level == found[0].level]
