"""People, their accounts, memberships and on-call: what was last believed, when, and from which source.

Belongs here: these rows and the `org` events that tell their changes. Does not belong here: asking Slack or PagerDuty
(playbooks/directory.py), deciding whose vote counts (playbooks/engine/approvals.py).

Account states: unverified (seen in a signed request, not yet looked at), member, guest, external, bot, deactivated,
ambiguous (could be several people), unmapped (belongs to nobody known), and of other kinds than Slack: listed (the
policy's `people` says whose), mail (matched by e-mail, for reading only).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from storage.db import Tx
from storage.sql import find, insert_or
from storage.tables import accounts, memberships, oncall, people, refreshes
from storage.timeline import ORG, Entry, append

EVERYONE = "everyone"
UNVERIFIED, MEMBER, GUEST, EXTERNAL, BOT = "unverified", "member", "guest", "external", "bot"
DEACTIVATED, AMBIGUOUS, UNMAPPED = "deactivated", "ambiguous", "unmapped"
LISTED, MAIL = "listed", "mail"
CLI = "cli"  # accounts of enrolled terminals: they act as their person, whose Slack account says in what state
BY_MAIL = "pagerduty-mail"  # a membership source that never counts for votes or permissions
_WHY = {
    UNVERIFIED: "Muster has not been able to look at your account yet.",
    GUEST: "Your account is a guest's.",
    EXTERNAL: "Your account belongs to another workspace.",
    BOT: "This account is a bot's.",
    DEACTIVATED: "Your account is deactivated.",
    AMBIGUOUS: "Your account could be one of several people; an administrator must say which.",
    UNMAPPED: "Your account belongs to nobody Muster knows.",
    LISTED: "This kind of account cannot approve.",
    MAIL: "Your account was matched to you by its e-mail address only.",
}


@dataclass(frozen=True)
class Account:
    """One account. id: "T1/U1" for Slack; person: None while it belongs to nobody; believed_at: last look at it."""

    kind: str
    id: str
    person: str | None
    state: str
    name: str | None
    email: str | None
    believed_at: datetime | None


ACCOUNT_FIELDS = tuple(Account.__dataclass_fields__)


@dataclass(frozen=True)
class Membership:
    """One person in one group. source: "slack", "policy", "pagerduty", joined by commas; added_at: first seen there."""

    group: str
    source: str
    added_at: datetime
    added_by: str | None
    confirmed: bool
    seen_at: datetime

    @property
    def for_voting(self) -> bool:
        """Whether a source says so that is no guess by e-mail."""
        return self.source != BY_MAIL


@dataclass(frozen=True)
class Voter:
    """What rows say of one person: the state and age of the account in question, and all memberships."""

    person: str
    name: str
    state: str
    believed_at: datetime | None
    memberships: tuple[Membership, ...] = ()


@dataclass(frozen=True)
class Member:
    """A line of a group's list."""

    person: str
    name: str
    added_at: datetime
    added_by: str | None
    confirmed: bool
    account_state: str
    believed_at: datetime | None


@dataclass(frozen=True)
class OnCall:
    """Somebody on call. level 1 is paged first."""

    person: str
    name: str
    level: int
    seen_at: datetime


def why_no_vote(state: str) -> str:
    """Why an account in this state cannot vote, to its owner; "" for a member."""
    return "" if state == MEMBER else _WHY.get(state, _WHY[UNMAPPED])


# --- people and accounts --------------------------------------------------------------------------------------------


def account(tx: Tx, kind: str, id: str, *, lock: bool = False) -> Account | None:
    """One account, or None when it was never seen."""
    query = select(*[accounts.c[name] for name in Account.__dataclass_fields__])
    query = query.where(accounts.c.kind == kind, accounts.c.id == id)
    row = tx.conn.execute(query.with_for_update() if lock else query).mappings().first()
    return Account(**row) if row else None


def see(tx: Tx, kind: str, id: str, *, state: str, name: str = "", person: str | None = None) -> Account:
    """The account, with a row made at first sight. An unverified or full member without a person becomes one."""
    if known := account(tx, kind, id):
        return known
    fresh = person is None and state in (UNVERIFIED, MEMBER)
    owner = _new_person(tx, name) if fresh else person
    row = {"kind": kind, "id": id, "person": owner, "state": state, "name": name or None, "first_seen_at": tx.now}
    statement = insert_or(tx, accounts).values(row).on_conflict_do_nothing(index_elements=["kind", "id"])
    if not tx.conn.execute(statement.returning(accounts.c.id)).scalar():  # another replica saw it first
        if fresh:
            tx.conn.execute(delete(people).where(people.c.id == owner))
        known = account(tx, kind, id)
        assert known is not None
        return known
    if fresh:
        append(
            tx, ORG, Entry("person.seen", "muster", {"person": owner, "kind": kind, "state": state}, {"account": id})
        )
    return Account(kind, id, owner, state, name or None, None, None)


def believe(
    tx: Tx, kind: str, id: str, *, state: str, name: str = "", email: str = "", person: str | None = None
) -> Account:
    """Write down what was just learned of an account; a change of state or owner is an `org` event."""
    was = account(tx, kind, id, lock=True) or see(tx, kind, id, state=state, name=name, person=person)
    owner = person or was.person
    if owner is None and state == MEMBER:
        owner = _new_person(tx, name)
        append(
            tx, ORG, Entry("person.seen", "muster", {"person": owner, "kind": kind, "state": state}, {"account": id})
        )
    now = {"person": owner, "state": state, "name": name or was.name, "email": email or None, "believed_at": tx.now}
    tx.conn.execute(update(accounts).where(accounts.c.kind == kind, accounts.c.id == id).values(**now))
    if was.state != state or (was.person and was.person != owner):
        body = {"person": owner, "kind": kind, "from": was.state, "to": state, "was": was.person}
        append(tx, ORG, Entry("account.changed", "muster", body, {"account": id}))
    told = {key: value for key, value in (("name", name), ("email", email)) if value}
    if owner and state == MEMBER and told:
        tx.conn.execute(update(people).where(people.c.id == owner).values(told))
    elif owner and name:
        tx.conn.execute(update(people).where(people.c.id == owner, people.c.name.is_(None)).values(name=name))
    return Account(kind, id, owner, state, name or was.name, email or None, tx.now)


def _new_person(tx: Tx, name: str) -> str:
    """An opaque id that says nothing of the human: "P-" and 12 letters or digits (60 random bits)."""
    id = "P-" + base64.b32encode(secrets.token_bytes(8)).decode()[:12]
    tx.conn.execute(insert(people).values(id=id, name=name or None, created_at=tx.now))
    return id


def name(tx: Tx, person: str) -> str:
    """As people call them; the id when the name is not known or was erased."""
    found = find(tx, people, ("name",), {"id": person}).scalar()
    return str(found) if found else person


def named(tx: Tx, name: str) -> list[str]:
    """The people who are called exactly this."""
    return [str(one) for one in find(tx, people, ("id",), {"name": name}).scalars()]


def names(tx: Tx, persons: Iterable[str]) -> dict[str, str]:
    """Person -> name, for many at once; who is not known stays an id."""
    wanted = set(persons)
    rows = tx.conn.execute(select(people.c.id, people.c.name).where(people.c.id.in_(wanted)))
    found = {row.id: row.name for row in rows}
    return {person: found.get(person) or person for person in wanted}


def accounts_of(tx: Tx, person: str, kind: str) -> list[Account]:
    """This person's accounts of one kind: full members first, then the one looked at last."""
    rows = find(tx, accounts, ACCOUNT_FIELDS, {"person": person, "kind": kind})
    return sorted((Account(*row) for row in rows), key=_best_first)


def _best_first(one: Account) -> tuple[bool, float, str]:
    return (one.state != MEMBER, -one.believed_at.timestamp() if one.believed_at else 0.0, one.id)


def with_email(tx: Tx, email: str) -> list[str]:
    """People whose full member's Slack account has exactly this address (whatever the case)."""
    query = select(accounts.c.person, accounts.c.email).where(
        accounts.c.kind == "slack", accounts.c.state == MEMBER, accounts.c.email.is_not(None)
    )
    rows = tx.conn.execute(query)
    return sorted({row.person for row in rows if row.person and row.email.lower() == email.lower()})


def slack_members(tx: Tx, limit: int = 1000) -> list[tuple[str, str]]:
    """Full members to choose from: (Slack id "U1", name), by name."""
    query = select(accounts.c.id, people.c.name).join(people, people.c.id == accounts.c.person)
    query = query.where(accounts.c.kind == "slack", accounts.c.state == MEMBER).limit(limit)
    found = [(str(row.id).rpartition("/")[2], str(row.name or row.id)) for row in tx.conn.execute(query)]
    return sorted(found, key=lambda one: (one[1].lower(), one[0]))


# --- groups ---------------------------------------------------------------------------------------------------------


def set_group(
    tx: Tx,
    group: str,
    seen: Mapping[str, Collection[str]],
    *,
    failed: Collection[str] = (),
    error: str | None = None,
    by: str | None = None,
) -> None:
    """Replace what is believed of a group. seen: source -> people; failed: sources that did not answer, left as is.

    A source may carry a detail ("slack:sre"); the very first answer of each is adopted as confirmed, whoever comes
    later is not until 24 h have passed or two approvers confirm. by: who changed the Slack group last; whom Slack names
    for the first time now counts as added by them.
    """
    refreshed(tx, f"group:{group}", error)  # also its lock: two replicas refresh one after the other
    was = {row.person: row for row in tx.conn.execute(select(memberships).where(memberships.c.grp == group))}
    kept = {name.partition(":")[0] for name in failed}
    now: dict[str, set[str]] = {person: set(row.source.split(",")) & kept for person, row in was.items()}
    adopted: set[str] = set()
    confirmed_now: set[str] = set()
    for source, persons in seen.items():
        word = source.partition(":")[0]
        if refreshed_at(tx, f"adopted:{group}:{source}") is None:
            adopted |= set(persons)
            refreshed(tx, f"adopted:{group}:{source}")
        confirmed_now |= set(persons)
        for person in persons:
            now.setdefault(person, set()).add(word)
    for person in sorted(now):
        if not now[person]:
            _leave(tx, was[person])
            continue
        found = _Found(now[person], person in adopted, person in confirmed_now, by if "slack" in now[person] else None)
        _set_member(tx, (group, person), was.get(person), found)


@dataclass(frozen=True)
class _Found:
    """One person as one refresh found them. seen: by a source that answered just now; by: who seems to have added."""

    sources: set[str]
    adopted: bool
    seen: bool
    by: str | None


def _leave(tx: Tx, was: Any) -> None:
    tx.conn.execute(delete(memberships).where(memberships.c.grp == was.grp, memberships.c.person == was.person))
    append(tx, ORG, Entry("group.left", "muster", {"group": was.grp, "person": was.person, "source": was.source}))


def _set_member(tx: Tx, key: tuple[str, str], was: Any, found: _Found) -> None:
    group, person = key
    source = ",".join(sorted(found.sources - {BY_MAIL} or found.sources))
    if was is None:
        by = None if found.adopted else found.by
        row = {"grp": group, "person": person, "source": source, "added_at": tx.now, "added_by": by,
               "confirmed": found.adopted, "seen_at": tx.now}  # fmt: skip
        tx.conn.execute(insert_or(tx, memberships).values(row).on_conflict_do_nothing())
        body = {"group": group, "person": person, "source": source, "confirmed": found.adopted, "by": by}
        append(tx, ORG, Entry("group.joined", "muster", body))
        return
    values: dict[str, Any] = {"source": source}
    if was.source == BY_MAIL != source:  # from a guess to a proof: as good as new
        values |= {"added_at": tx.now, "confirmed": found.adopted}
    if found.seen:
        values["seen_at"] = tx.now
    mine = (memberships.c.grp == group, memberships.c.person == person)
    tx.conn.execute(update(memberships).where(*mine).values(**values))


def confirm(tx: Tx, group: str, person: str, *, decision: str, by: Collection[str]) -> None:
    """Two approvers vouch for a member: how young the membership is matters no more."""
    mine = (memberships.c.grp == group, memberships.c.person == person)
    tx.conn.execute(update(memberships).where(*mine).values(confirmed=True))
    body = {"group": group, "person": person, "decision": decision, "by": list(by)}
    append(tx, ORG, Entry("group.confirmed", "muster", body))


def members(tx: Tx, group: str) -> list[Member]:
    """Who is in a group, by name. "everyone": every full member of the home workspace."""
    found = []
    for voter in voters(tx, [group]):
        one = next((m for m in voter.memberships if m.group == group), None)
        added = (one.added_at, one.added_by, one.confirmed) if one else (voter.believed_at or tx.now, None, True)
        found.append(Member(voter.person, voter.name, *added, voter.state, voter.believed_at))
    return found


def voters(tx: Tx, groups: Collection[str]) -> list[Voter]:
    """Everybody in any of the groups, by name, with the state of their best Slack account."""
    if EVERYONE in groups:
        query = select(accounts.c.person).where(accounts.c.kind == "slack", accounts.c.state == MEMBER)
    else:
        query = select(memberships.c.person).where(memberships.c.grp.in_(set(groups)))
    persons = {person for person in tx.conn.execute(query).scalars() if person}
    return sorted(voters_by_id(tx, persons).values(), key=lambda one: (one.name.lower(), one.person))


def voters_by_id(
    tx: Tx, persons: Collection[str], using: Mapping[str, tuple[str, str]] | None = None
) -> dict[str, Voter]:
    """What rows say of these people. using: person -> (kind, id) of the account they act with; else their best Slack's.

    An account that is not that person's gives "unmapped".
    """
    wanted, said = set(persons), using or {}
    belongs: dict[str, list[Membership]] = {}
    for row in tx.conn.execute(select(memberships).where(memberships.c.person.in_(wanted))):
        one = Membership(row.grp, row.source, row.added_at, row.added_by, row.confirmed, row.seen_at)
        belongs.setdefault(row.person, []).append(one)
    columns = [accounts.c[name] for name in Account.__dataclass_fields__]
    mine: dict[str | None, list[Account]] = {}
    for line in tx.conn.execute(select(*columns).where(accounts.c.person.in_(wanted))).mappings():
        mine.setdefault(line["person"], []).append(Account(**line))
    called = names(tx, wanted)
    found: dict[str, Voter] = {}
    for person in wanted:
        choice = said.get(person)
        fitting = [
            a for a in mine.get(person, []) if (choice is None and a.kind == "slack") or (a.kind, a.id) == choice
        ]
        best = min(fitting, key=_best_first, default=None)
        if best is not None and best.kind == CLI and best.state == MEMBER:
            best = min((a for a in mine[person] if a.kind == "slack"), key=_best_first, default=None)
        state, age = (best.state, best.believed_at) if best else (UNMAPPED, None)
        found[person] = Voter(person, called[person], state, age, tuple(belongs.get(person, ())))
    return found


# --- on call and freshness ------------------------------------------------------------------------------------------


def set_oncall(tx: Tx, policy: str, levels: Mapping[str, int]) -> None:
    """Replace who is on call for an escalation policy: person -> level."""
    refreshed(tx, f"oncall:{policy}")
    tx.conn.execute(delete(oncall).where(oncall.c.policy == policy))
    rows = [{"policy": policy, "person": p, "level": level, "seen_at": tx.now} for p, level in sorted(levels.items())]
    if rows:
        tx.conn.execute(insert_or(tx, oncall).values(rows).on_conflict_do_nothing())


def on_call(tx: Tx, policy: str) -> list[OnCall]:
    """Who is on call for an escalation policy, lowest level first."""
    rows = tx.conn.execute(
        select(oncall).where(oncall.c.policy == policy).order_by(oncall.c.level, oncall.c.person)
    ).all()
    called = names(tx, [row.person for row in rows])
    return [OnCall(row.person, called[row.person], row.level, row.seen_at) for row in rows]


def refreshed(tx: Tx, subject: str, error: str | None = None) -> None:
    """Write down that something was looked at, or why that failed (the time of the last success stays)."""
    values: dict[str, Any] = {"error": error} if error else {"error": None, "at": tx.now}
    statement = insert_or(tx, refreshes).values(subject=subject, at=tx.now, error=error)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["subject"], set_=values))


def refreshed_at(tx: Tx, subject: str) -> datetime | None:
    """When it was last tried with success; None when never tried."""
    return tx.conn.execute(select(refreshes.c.at).where(refreshes.c.subject == subject)).scalar()


def refresh_error(tx: Tx, subject: str) -> str | None:
    """Why the last look failed, None when it did not."""
    return tx.conn.execute(select(refreshes.c.error).where(refreshes.c.subject == subject)).scalar()
