"""Erasing a person: name, e-mail and accounts go; the opaque id that the chains hold stays and says nobody's name.

Belongs here: every row and text that says who an id is. Does not belong here: who may decide
(playbooks/engine/decisions/erase_person.py), the sealed rest (escrow.py), words in which somebody wrote the name
(`mentions` finds them; erasing.py erases them, one decision each).

Who approved something must stay answerable until retention ends: their identity goes to escrow first, sealed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update

from storage import copies, erasing, escrow
from storage.db import Tx
from storage.incident_rows import Impossible
from storage.sealing import Seal
from storage.tables import accounts, events, inbox, memberships, oncall, people, policies, replies, runs, texts, votes
from storage.tables_guard import credentials, decision_votes, factors
from storage.tables_sessions import sessions
from storage.timeline import ORG, Entry, append

MOST_MENTIONS = 50
GONE = "erased"
# Events of the org stream whose `account` text is an account's own id.
_ABOUT = ("person.seen", "account.changed", "access.refused", "decision.voted", "approval.voted")


@dataclass(frozen=True)
class Who:
    """What rows say of one person. accounts: (kind, id); answerable: they voted or asked for what was approved."""

    person: str
    name: str | None
    email: str | None
    accounts: tuple[tuple[str, str], ...]
    answerable: bool

    @property
    def ids(self) -> tuple[str, ...]:
        """The accounts' ids as they stand in texts and policies: U1, not T1/U1."""
        return tuple(id.rpartition("/")[2] for _, id in self.accounts)


def look(tx: Tx, person: str) -> Who:
    """Who that is now. Raises Impossible for an id nobody has, or one that was erased."""
    row = tx.conn.execute(select(people).where(people.c.id == person)).mappings().first()
    if row is None:
        raise Impossible(f"There is no person {person}; nothing was changed.")
    kept = tx.conn.execute(select(accounts).where(accounts.c.person == person).order_by(accounts.c.kind, accounts.c.id))
    mine = tuple((one["kind"], one["id"]) for one in kept.mappings())
    if not mine and not row["name"]:
        raise Impossible(f"{person} is erased already; nothing was changed.")
    return Who(person, row["name"], row["email"], mine, _answerable(tx, person))


def _answerable(tx: Tx, person: str) -> bool:
    queries = (
        select(votes.c.person).where(votes.c.person == person),
        select(decision_votes.c.person).where(decision_votes.c.person == person),
        select(runs.c.requester).where(runs.c.requester == person),
    )
    return any(tx.conn.execute(query.limit(1)).first() for query in queries)


def named_in_policy(tx: Tx, who: Who) -> list[str]:
    """States of the policies that still name one of the accounts or the address: active, proposed, superseded."""
    wanted = {word for word in (who.email, *who.ids) if word}
    rows = tx.conn.execute(select(policies.c.state, policies.c.sections).order_by(policies.c.state))
    return sorted({row.state for row in rows if wanted & set(_leaves(row.sections))})


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value] if isinstance(value, str) else []


def erase(
    tx: Tx,
    person: str,
    *,
    seal: Seal | None,
    until: datetime,
    asked_by: str,
    decision: str,
    by: Sequence[str],
    reason: str,
) -> Who:
    """Erase a person; returns who it was, for the words of the answer only. until: end of the escrow.

    Raises Impossible when there is nobody, or when the identity must go to escrow and there is no key to seal it with.
    """
    who = look(tx, person)
    if who.answerable:
        if seal is None:
            raise Impossible(
                f"{person} approved or asked for steps, so who it was is kept sealed until retention ends, and there "
                "is no key to seal it with. Nothing was erased.",
                todo="Set `MUSTER_KEY`; `muster key` prints a new one.",
            )
        escrow.keep(
            tx, seal, person, {"name": who.name, "email": who.email, "accounts": [list(a) for a in who.accounts]}, until
        )
    for word in (who.email, *who.ids):
        if word:
            copies.scrub(tx, word, GONE)
    _rows(tx, who)
    _policies(tx, who)
    emptied = erasing.empty(tx, _texts(tx, who))
    body = {
        "person": person, "accounts": len(who.accounts), "texts": emptied, "escrow": who.answerable,
        "decision": decision, "asked_by": asked_by, "by": sorted(by),
    }  # fmt: skip
    append(tx, ORG, Entry("person.erased", asked_by, body, {"reason": reason}))
    return who


def _rows(tx: Tx, who: Who) -> None:
    """Rows that say who it is. Votes, runs and roles keep the opaque id."""
    for kind, id in who.accounts:
        said = f"{kind}:{id}"
        for table in (votes, decision_votes):
            tx.conn.execute(update(table).where(table.c.account == said).values(account=f"{kind}:{GONE}"))
        tx.conn.execute(update(runs).where(runs.c.requester_account == id).values(requester_account=None))
        settled = inbox.c.state.in_(("done", "refused", "dead"))
        mine = (inbox.c.account_kind == kind, inbox.c.account == id)
        tx.conn.execute(update(inbox).where(*mine, settled).values(account=GONE))
        sent = replies.c.state.in_(("sent", "lost"))
        theirs = (replies.c.account_kind == kind, replies.c.account == id)
        tx.conn.execute(update(replies).where(*theirs, sent).values(account=GONE))
        tx.conn.execute(delete(sessions).where(sessions.c.account == id))
    for table in (memberships, oncall, factors, accounts):
        tx.conn.execute(delete(table).where(table.c.person == who.person))
    gone = update(credentials).where(credentials.c.person == who.person)
    tx.conn.execute(gone.values(label=GONE, revoked_at=func.coalesce(credentials.c.revoked_at, tx.now)))
    tx.conn.execute(update(people).where(people.c.id == who.person).values(name=None, email=None))


def _policies(tx: Tx, who: Who) -> None:
    """Accounts and addresses in sections that no longer rule; the digest stays what it was."""
    names = {word for word in (who.email, *who.ids) if word}
    for row in tx.conn.execute(select(policies).where(policies.c.state.not_in(("active", "proposed")))).mappings():
        told = json.dumps(row["sections"])
        left = told
        for name in names:
            left = left.replace(json.dumps(name), json.dumps(GONE))
        if left != told:
            mine = policies.c.digest == row["digest"]
            tx.conn.execute(update(policies).where(mine).values(sections=json.loads(left)))


def _texts(tx: Tx, who: Who) -> set[erasing.Key]:
    """Texts that are an account's id, or that Muster wrote of this person's account."""
    ids = [id for _, id in who.accounts]
    query = (
        select(texts.c.stream, texts.c.seq, texts.c.field)
        .join(events, (events.c.stream == texts.c.stream) & (events.c.seq == texts.c.seq))
        .where(texts.c.text.is_not(None), texts.c.field.in_(("account", "name", "email")))
        .where(or_(texts.c.text.in_([*ids, who.name or GONE, who.email or GONE])))
        .where(events.c.type.in_(_ABOUT))
    )
    found = {(row.stream, row.seq, row.field) for row in tx.conn.execute(query)}
    asked = select(texts.c.stream, texts.c.seq, texts.c.field, texts.c.text).join(
        events, (events.c.stream == texts.c.stream) & (events.c.seq == texts.c.seq)
    )
    asked = asked.where(events.c.type == "decision.opened", texts.c.text.contains(who.person))
    return found | {(row.stream, row.seq, row.field) for row in tx.conn.execute(asked) if _names(row.text, who)}


def _names(text: str, who: Who) -> bool:
    """Whether what two people were asked says who the person is, beside the id."""
    return any(word and word in text for word in (who.name, who.email, *who.ids))


def mentions(tx: Tx, who: Who) -> list[tuple[str, int]]:
    """Events whose words hold the name, the address or an account (at most MOST_MENTIONS), for a decision each."""
    found: set[tuple[str, int]] = set()
    for said in (who.name, who.email, *who.ids):
        if said and len(said) >= 3:
            words = copies.plain(said)
            query = select(texts.c.stream, texts.c.seq, texts.c.text).where(texts.c.text.ilike(f"%{said}%"))
            for row in tx.conn.execute(query.order_by(texts.c.stream, texts.c.seq).limit(MOST_MENTIONS)):
                if words in copies.plain(row.text):
                    found.add((row.stream, row.seq))
    return sorted(found)[:MOST_MENTIONS]
