"""Two accounts that are one human: an account moved to a person, or two persons made one, with what each had.

Belongs here: the rows and their `org` event. Does not belong here: who decides it and what becomes of votes
(playbooks/engine/decisions/join_accounts.py). What refers to a person who was joined to another stays as written;
`same` says who that is now: an account of kind "person" whose id is the former person's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import delete, insert, select, update

from storage import people
from storage.db import Tx
from storage.people import ACCOUNT_FIELDS, Account
from storage.sql import insert_or
from storage.tables import accounts, approvals, memberships, oncall, roles, votes
from storage.tables_guard import credentials
from storage.timeline import ORG, Entry, append

FORMER = "person"  # kind of the account that stands for a person who was joined to another
JOINED = "joined"
W = TypeVar("W")


def same(tx: Tx, persons: Iterable[str]) -> dict[str, str]:
    """Person -> who that human is now: themselves, unless they were joined to another."""
    wanted = set(persons)
    query = select(accounts.c.id, accounts.c.person).where(accounts.c.kind == FORMER, accounts.c.id.in_(wanted))
    joined = {row.id: row.person for row in tx.conn.execute(query)} if wanted else {}
    return {person: joined.get(person) or person for person in wanted}


def carried(tx: Tx, barred: Mapping[str, W]) -> dict[str, W]:
    """What is said of persons, said of whom they are now too: who asked under a former name still asked."""
    now = same(tx, barred)
    return {**barred, **{now[person]: why for person, why in barred.items() if now[person] not in barred}}


def take_over(tx: Tx, kind: str, id: str, person: str) -> Account:
    """Give one account to a person. Not a Slack account: it is proven from now on."""
    was = people.account(tx, kind, id, lock=True)
    if was is None:
        row = {"kind": kind, "id": id, "person": person, "state": people.MEMBER, "first_seen_at": tx.now}
        tx.conn.execute(insert_or(tx, accounts).values(row))
        return Account(kind, id, person, people.MEMBER, None, None, None)
    state = was.state if kind == "slack" else people.MEMBER
    mine = (accounts.c.kind == kind, accounts.c.id == id)
    tx.conn.execute(update(accounts).where(*mine).values(person=person, state=state))
    return Account(**{**{name: getattr(was, name) for name in ACCOUNT_FIELDS}, "person": person, "state": state})


def merge(tx: Tx, former: str, into: str) -> None:
    """Everything that is `former`'s now is `into`'s: accounts, groups, on-call, roles, terminals."""
    tx.conn.execute(update(accounts).where(accounts.c.person == former).values(person=into))
    row = {"kind": FORMER, "id": former, "person": into, "state": JOINED, "first_seen_at": tx.now}
    tx.conn.execute(insert(accounts).values(row))
    _memberships(tx, former, into)
    taken = select(oncall.c.policy).where(oncall.c.person == into)
    tx.conn.execute(delete(oncall).where(oncall.c.person == former, oncall.c.policy.in_(taken)))
    for table in (oncall, roles, credentials):
        tx.conn.execute(update(table).where(table.c.person == former).values(person=into))


def _memberships(tx: Tx, former: str, into: str) -> None:
    """One human has been in a group since the earlier of both, confirmed when either was."""
    rows = {
        (row.grp, row.person): row
        for row in tx.conn.execute(select(memberships).where(memberships.c.person.in_((former, into))))
    }
    for (group, person), row in rows.items():
        if person != former:
            continue
        mine = rows.get((group, into))
        first = min((row, mine) if mine else (row,), key=lambda one: one.added_at)
        values = {"added_at": first.added_at, "added_by": first.added_by,
                  "confirmed": row.confirmed or bool(mine and mine.confirmed)}  # fmt: skip
        if mine is None:
            where = (memberships.c.grp == group, memberships.c.person == former)
            tx.conn.execute(update(memberships).where(*where).values(person=into, **values))
            continue
        where = (memberships.c.grp == group, memberships.c.person == into)
        tx.conn.execute(update(memberships).where(*where).values(**values))
        tx.conn.execute(delete(memberships).where(memberships.c.grp == group, memberships.c.person == former))


def told(
    tx: Tx, account: Account, former: str | None, *, decision: str, by: Sequence[str], twice: Sequence[str]
) -> None:
    """Say on the `org` stream whose account it is now. twice: approvals in which both accounts were counted as two."""
    body = {
        "person": account.person, "kind": account.kind, "was": former, "decision": decision, "by": list(by),
        "counted_twice": list(twice),
    }  # fmt: skip
    append(tx, ORG, Entry("account.joined", "muster", body, {"account": account.id}))


def live_approvals(tx: Tx, persons: Sequence[str]) -> list[tuple[str, str]]:
    """(approval, run) of live approvals that any of these persons asked for or voted on; those of incidents first."""
    query = select(approvals.c.id, approvals.c.run, approvals.c.barred).where(
        approvals.c.state.in_(("open", "granted"))
    )
    voted = {row.approval for row in tx.conn.execute(select(votes.c.approval).where(votes.c.person.in_(persons)))}
    found = [
        (row.id, row.run)
        for row in tx.conn.execute(query)
        if row.id in voted or any(person in row.barred for person in persons)
    ]
    return sorted(found, key=lambda one: (one[1].startswith(f"{ORG}/"), one[1]))


def both_counted(tx: Tx, former: str, into: str) -> list[str]:
    """Approvals that were used and on which both said yes, as if they were two."""
    mine = select(votes.c.approval).where(votes.c.person == into, votes.c.choice == "approve")
    query = select(votes.c.approval).join(approvals, approvals.c.id == votes.c.approval)
    query = query.where(votes.c.person == former, votes.c.choice == "approve", approvals.c.state == "used")
    return sorted(tx.conn.execute(query.where(votes.c.approval.in_(mine))).scalars())
