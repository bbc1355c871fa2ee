"""The directory: which human an account is, who is in which group, who is on call.

Belongs here: what an answer from outside means and writing it down; answering from rows inside a transaction. Does not
belong here: asking (directory_looks.py), the rows themselves (storage/people.py), approval rules (engine).

People, not accounts: a full member of the home workspace is a person at first sight; a PagerDuty account is a person's
when `people:` of the policy says so, and for reading only when nothing but its e-mail says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.directory_looks import Failed, Looks, answered, failures
from playbooks.directory_ports import OnCallEntry, PagerDutyAccount, PagerDutyPort, SlackAccount, SlackPort
from playbooks.policy import Group, Policy
from storage import people
from storage.db import Database, Tx
from storage.people import BY_MAIL, EVERYONE, Account, Member, OnCall, Voter

BOUND_S = 2.0
LOOK_AGAIN = timedelta(hours=1)  # how old the belief in a group member's account may grow before a refresh looks again
Apply = Callable[[Tx], None]
_SLACK_ID = re.compile(r"(?:[TE][A-Z0-9]+/)?[UW][A-Z0-9]+")


@dataclass(frozen=True)
class Person:
    """Who asks, decided on rows. person: opaque id, None when `why_not` says why this account may not act.

    seen_as: the person this account was ever taken for, whatever its state now (for events about refusals).
    """

    account_kind: str
    account: str
    person: str | None
    name: str
    why_not: str = ""
    groups: frozenset[str] = frozenset()
    admin: bool = False
    seen_as: str | None = None


@dataclass(frozen=True)
class OnCallNow:
    """Who is on call for an escalation policy. words: "1. Ben (primary rota, until Mon 23 Nov 08:00 UTC)", lowest layer
    first; why_not: why PagerDuty does not say."""

    words: tuple[str, ...] = ()
    why_not: str = ""


class Directory:
    """Handle on people. team: id of the home workspace; without it, or for another one, an account is external."""

    def __init__(
        self,
        db: Database,
        slack: SlackPort | None,
        pagerduty: PagerDutyPort | None,
        team: str,
        *,
        bound_s: float = BOUND_S,
    ) -> None:
        self._db = db
        self._team = team
        self._looks = Looks(slack, pagerduty, bound_s)

    # --- answering from rows, inside a transaction ------------------------------------------------------------------

    def see(self, tx: Tx, kind: str, account: str, name: str = "") -> str | None:
        """The person behind an account of a verified request, made one at first sight; None for one that is no person.

        A home workspace's account is believed to be a member's until it is looked at; that never suffices for a vote.
        """
        return self._seen(tx, kind, account, name).person

    def actor(self, tx: Tx, kind: str, account: str, policy: Policy) -> Person:
        """Who this account is, decided on rows only; sees it for the first time if need be."""
        row = self._seen(tx, kind, account, "")
        called = people.name(tx, row.person) if row.person else (row.name or account)
        why = "" if row.state == people.UNVERIFIED else people.why_no_vote(row.state)
        if row.person is None or why:
            why = why or people.why_no_vote(people.UNMAPPED)
            return Person(kind, account, None, called, why, seen_as=row.person)
        voter = people.voters_by_id(tx, [row.person])[row.person]
        groups = frozenset(one.group for one in voter.memberships if one.for_voting)
        admin = bool(groups & set(policy.permissions.administer))
        return Person(kind, account, row.person, called, "", groups, admin, row.person)

    def name(self, tx: Tx, person: str) -> str:
        """As people call them; the id where no name is known."""
        return people.name(tx, person)

    def slack_id(self, tx: Tx, person: str) -> str | None:
        """Their Slack user id ("U1"), to mention, invite or write to them."""
        mine = people.accounts_of(tx, person, "slack")
        return mine[0].id.rpartition("/")[2] if mine else None

    def person_by_slack(self, tx: Tx, id: str) -> str | None:
        """The person with this Slack id, "U1" (home workspace) or "T1/U1"; None when never seen."""
        return self.person_of(tx, "slack", self._full(id))

    def person_of(self, tx: Tx, kind: str, account: str) -> str | None:
        """Whose account it is, for reading (who acknowledged): an e-mail match will do."""
        row = people.account(tx, kind, account)
        return row.person if row else None

    def members(self, tx: Tx, group: str) -> list[Member]:
        """Who is in a group of the policy; "everyone": every full member seen so far."""
        return people.members(tx, group)

    def voters(self, tx: Tx, groups: Collection[str]) -> list[Voter]:
        """Everybody in any of these groups, with what the approval rules need."""
        return people.voters(tx, groups)

    def voters_by_id(self, tx: Tx, using: dict[str, tuple[str, str] | None]) -> dict[str, Voter]:
        """What the approval rules need of people who voted: person -> (kind, id) of the account used, or None."""
        return people.voters_by_id(tx, list(using), {p: said for p, said in using.items() if said})

    def oncall(self, tx: Tx, policy_name: str) -> list[OnCall]:
        """Who is on call for an escalation policy, as last seen."""
        return people.on_call(tx, policy_name)

    # --- looking outside, then one transaction ----------------------------------------------------------------------

    async def refresh_account(self, kind: str, account: str) -> None:
        """Look at one account. An outage leaves the row as it was and is written down; only Unreachable is raised."""
        await self._all([self._look_at_account(kind, account)])

    async def refresh_group(self, policy: Policy, group: str) -> None:
        """Look at a group's sources, and at members never looked at. "everyone" has no list to look at."""
        await self._all(self._groups(policy, [group]))

    async def refresh_groups(self, policy: Policy, groups: Iterable[str] | None = None) -> None:
        """Look at several groups at once; None: at all of the policy's."""
        await self._all(self._groups(policy, policy.groups if groups is None else groups))

    async def refresh_oncall(self, policy: Policy, service: str) -> None:
        """Look at who is on call for a service's escalation policy; nothing where it has none."""
        known = policy.services.get(service)
        name = known.pagerduty.escalation_policy if known else None
        if name:
            await self._all([self._look_at_oncall(policy, name)])

    async def on_call_now(self, policies: Collection[str]) -> dict[str, OnCallNow]:
        """Who is on call for each of these escalation policies (names or ids), also whom Muster does not know; one look
        at PagerDuty. Nothing is written."""
        found = await self._looks.everybody(self._looks.deadline())
        if isinstance(found, Failed):
            return {name: OnCallNow(why_not=str(found)) for name in policies}
        return {name: OnCallNow(_by_layer([e for e in found if name in (e.policy, e.policy_id)])) for name in policies}

    async def refresh_for_vote(
        self,
        policy: Policy,
        groups: Iterable[str],
        account: tuple[str, str] | None,
        others: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Everything a vote is decided on, at once: the voter's account, those of earlier votes, the rule's groups.

        account, others: (kind, id). Before a start, hand the voters' accounts as `others` and None as account.
        """
        wanted = dict.fromkeys([*([account] if account else []), *others])
        looks = [self._look_at_account(kind, id) for kind, id in wanted]
        await self._all([*looks, *self._groups(policy, groups)])

    async def pagerduty_user(self, person: str) -> str | None:
        """The PagerDuty id by which to page a person: from rows, else by their e-mail. None: not known."""
        mine, email = await self._db.read(lambda tx: _pages(tx, person))
        if mine or not email:
            return mine
        found = await self._looks.by_email(email, self._looks.deadline())
        return found.id if found else None

    async def _all(self, looks: Sequence[Coroutine[Any, Any, Apply]]) -> None:
        applies = await asyncio.gather(*looks)

        def work(tx: Tx) -> None:
            for apply in applies:
                apply(tx)

        if applies:
            await self._db.write(work)

    def _groups(self, policy: Policy, groups: Iterable[str]) -> list[Coroutine[Any, Any, Apply]]:
        wanted = dict.fromkeys(name for name in groups if name != EVERYONE and name in policy.groups)
        return [self._look_at_group(policy, policy.groups[name], name) for name in wanted]

    async def _look_at_account(self, kind: str, account: str) -> Apply:
        subject = f"account:{kind}:{account}"
        if kind == people.CLI:  # a terminal acts as its person: look at that person's account
            terminal = account
            account = await self._db.read(lambda tx: _slack_behind(tx, terminal))
            kind, subject = "slack" if account else kind, f"account:slack:{account}"
        team, _, id = account.rpartition("/")
        if kind != "slack":
            return _nothing
        if not team or team != self._team:
            return lambda tx: _believe(tx, account, people.EXTERNAL)
        user = await self._looks.user(id, self._looks.deadline())
        if isinstance(user, Failed):
            reason = str(user)
            return lambda tx: people.refreshed(tx, subject, reason)
        found = user
        return lambda tx: self._learn(tx, account, found)

    async def _look_at_group(self, policy: Policy, group: Group, name: str) -> Apply:
        """Ask every source at once. Applied even when the names behind new ids did not come in time."""
        deadline = self._looks.deadline()
        answers = await self._looks.sources(group, deadline)
        seen, errors = answered(answers), failures(answers)
        ids = {id for source, found in seen.items() if source.startswith("slack:") for id in found}
        ids |= set(_listed(policy, group))
        accounts = sorted({self._full(id) for id in ids})
        old = await self._db.read(lambda tx: [one.rpartition("/")[2] for one in accounts if _old(tx, one)])
        users = await self._looks.users(old, deadline)
        changer = await self._looks.changed_by(group, deadline)

        def apply(tx: Tx) -> None:
            for id, user in users.items():
                self._learn(tx, self._full(id), user)
            sources = self._sources(tx, policy, group, seen)
            failed = [*errors, *([BY_MAIL] if any(one.startswith("pagerduty") for one in errors) else [])]
            by = people.account(tx, "slack", self._full(changer)) if changer else None
            people.set_group(
                tx, name, sources, failed=failed, error="; ".join(errors.values()) or None, by=by.person if by else None
            )

        return apply

    def _sources(
        self, tx: Tx, policy: Policy, group: Group, seen: dict[str, Collection[Any]]
    ) -> dict[str, Collection[str]]:
        """Source -> people: what the policy itself lists, and what the sources that answered said."""
        sources: dict[str, Collection[str]] = {}
        if group.people:
            sources["policy"] = self._persons(tx, _listed(policy, group))
        for source, found in seen.items():
            if source.startswith("slack:"):
                sources[source] = self._persons(tx, found)
                continue
            both = [self._pagerduty_person(tx, policy, user) for user in found]
            sources[source] = {person for person, proven in both if person and proven}
            sources[f"{BY_MAIL}:{source.partition(':')[2]}"] = {p for p, proven in both if p and not proven}
        return sources

    async def _look_at_oncall(self, policy: Policy, name: str) -> Apply:
        found = await self._looks.entries(name, self._looks.deadline())
        if isinstance(found, Failed):
            reason = str(found)
            return lambda tx: people.refreshed(tx, f"oncall:{name}", reason)
        entries = found

        def apply(tx: Tx) -> None:
            levels: dict[str, int] = {}
            for entry in entries:
                person, _ = self._pagerduty_person(tx, policy, entry.user)
                if person:
                    levels[person] = min(entry.level, levels.get(person, entry.level))
            people.set_oncall(tx, name, levels)

        return apply

    # --- what an answer means ---------------------------------------------------------------------------------------

    def _seen(self, tx: Tx, kind: str, account: str, name: str) -> Account:
        if kind != "slack":
            known = people.account(tx, kind, account)
            if known and known.person and kind == people.CLI and known.state == people.MEMBER:
                mine = people.accounts_of(tx, known.person, "slack")
                return replace(known, state=mine[0].state if mine else people.UNMAPPED)
            return known or Account(kind, account, None, people.UNMAPPED, name or None, None, None)
        home = bool(self._team) and account.rpartition("/")[0] == self._team
        return people.see(tx, kind, account, state=people.UNVERIFIED if home else people.EXTERNAL, name=name)

    def _learn(self, tx: Tx, account: str, user: SlackAccount) -> None:
        people.believe(
            tx, "slack", account, state=self._state(user), name=user.real_name or user.name, email=user.email
        )
        people.refreshed(tx, f"account:slack:{account}")

    def _state(self, user: SlackAccount) -> str:
        """Fail closed: whatever is not plainly a full member of the home workspace is something else."""
        if user.deleted:
            return people.DEACTIVATED
        if user.is_bot or user.id == "USLACKBOT":
            return people.BOT
        if user.is_stranger or self._team not in (user.enterprise_id, user.team_id):  # contract A13: one id per org
            return people.EXTERNAL
        return people.GUEST if user.is_guest else people.MEMBER

    def _persons(self, tx: Tx, ids: Iterable[str]) -> set[str]:
        found = (self.see(tx, "slack", self._full(id)) for id in ids)
        return {person for person in found if person}

    def _pagerduty_person(self, tx: Tx, policy: Policy, user: PagerDutyAccount) -> tuple[str | None, bool]:
        """(person, proven): by the policy's `people`, which approvers accepted; else by exact e-mail, for reading."""
        said = {one.slack for one in policy.people.values() if one.pagerduty == user.id and one.slack}
        known = people.account(tx, "pagerduty", user.id)
        if known and known.person and known.state == people.MEMBER:
            return known.person, True
        listed = self._persons(tx, said) if len(said) == 1 else set()
        mails = people.with_email(tx, user.email) if user.email and not said else []
        persons = list(listed) or mails
        state = people.LISTED if listed else people.MAIL if mails else people.UNMAPPED
        if len(persons) > 1 or len(said) > 1:
            state = people.AMBIGUOUS
        person = persons[0] if state in (people.LISTED, people.MAIL) else None
        people.believe(tx, "pagerduty", user.id, state=state, name=user.name, email=user.email, person=person)
        return person, state == people.LISTED

    def _full(self, id: str) -> str:
        """ "U1" -> "T1/U1"."""
        return id if "/" in id else f"{self._team}/{id}"


def _by_layer(entries: Sequence[OnCallEntry]) -> tuple[str, ...]:
    """A word for each person of each layer, lowest layer first."""
    found = sorted(entries, key=lambda one: (one.level, one.end))
    said: dict[tuple[int, str, str], str] = {}
    for one in found:  # of two shifts of one rota the later end counts
        about = ", ".join(part for part in (one.schedule, _until(one.end)) if part)
        said[one.level, one.user.name, one.schedule] = f"{one.level}. {one.user.name}{f' ({about})' if about else ''}"
    return tuple(said.values())


def _until(end: str) -> str:
    """until Mon 23 Nov 08:00 UTC; "" for one that has no end, or none that can be read."""
    try:
        when = datetime.fromisoformat(end).astimezone(UTC)
    except ValueError:
        return ""
    return f"until {when:%a} {when.day} {when:%b %H:%M} UTC"


def _listed(policy: Policy, group: Group) -> list[str]:
    """Slack ids of those the policy itself lists: keys of `people`, or ids; an address proves nothing."""
    said = [policy.people[who].slack if who in policy.people else who for who in group.people]
    return [id for id in said if id and _SLACK_ID.fullmatch(id)]


def _nothing(tx: Tx) -> None:
    """An account of a kind nobody can be asked about."""


def _slack_behind(tx: Tx, terminal: str) -> str:
    """The Slack account of a terminal's person, "" where there is none."""
    known = people.account(tx, people.CLI, terminal)
    mine = people.accounts_of(tx, known.person, "slack") if known and known.person else []
    return mine[0].id if mine else ""


def _believe(tx: Tx, account: str, state: str) -> None:
    people.believe(tx, "slack", account, state=state)


def _old(tx: Tx, account: str) -> bool:
    row = people.account(tx, "slack", account)
    return row is None or row.believed_at is None or tx.now - row.believed_at > LOOK_AGAIN


def _pages(tx: Tx, person: str) -> tuple[str | None, str | None]:
    """(PagerDuty id, e-mail) of a person, as far as known."""
    mine = [
        one
        for one in people.accounts_of(tx, person, "pagerduty")
        if one.state in (people.MEMBER, people.LISTED, people.MAIL)
    ]
    slack = people.accounts_of(tx, person, "slack")
    return (mine[0].id if mine else None), (slack[0].email if slack and slack[0].state == people.MEMBER else None)
