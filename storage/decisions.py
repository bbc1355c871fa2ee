"""Decisions of two people, as rows: what needs a second person and is no step of a run, and who said what.

States: open -> done | denied | expired | void. Belongs here: the rows. Does not belong here: whose word counts and what
is done then (playbooks/engine/deciding.py), which moves are legal (playbooks/engine/moves.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from storage.db import Tx
from storage.said import SaidWith
from storage.sql import insert_or, next_number
from storage.tables_guard import decision_votes, decisions

OPEN = "open"


@dataclass(frozen=True)
class Decision:
    """One decision. id: "D-7"; digest: SHA-256 (hex) of everything people agree to; asked_by: a person, None: Muster.

    body: what is to be done, `title` and `shown` of it for people; rule: a DecisionRule as JSON; stream: where told.
    """

    id: str
    kind: str
    subject: str
    body: dict[str, Any]
    digest: str
    rule: dict[str, Any]
    stream: str
    asked_by: str | None
    state: str
    opened_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    reason: str | None


@dataclass(frozen=True)
class DecisionVote(SaidWith):
    """One person's word. choice: approve or deny; account: "slack:T1/U1"; proof: beyond the account, such as "totp"."""

    decision: str
    person: str
    choice: str
    account: str
    via: str
    reason: str | None
    proof: str | None
    at: datetime


def next_id(tx: Tx) -> str:
    """The next decision's name, without gaps."""
    return f"D-{next_number(tx, 'decision')}"


def add(tx: Tx, decision: Decision) -> None:
    """Write a new one."""
    tx.conn.execute(insert_or(tx, decisions).values(**decision.__dict__))


def get(tx: Tx, id: str, *, lock: bool = False) -> Decision | None:
    """One decision, or None."""
    query = select(decisions).where(decisions.c.id == id)
    row = tx.conn.execute(query.with_for_update() if lock else query).mappings().first()
    return Decision(**row) if row else None


def open_of(tx: Tx, kind: str, subject: str = "") -> list[Decision]:
    """Open ones of a kind, of one subject or all, oldest first."""
    query = select(decisions).where(decisions.c.kind == kind, decisions.c.state == OPEN)
    if subject:
        query = query.where(decisions.c.subject == subject)
    return [Decision(**row) for row in tx.conn.execute(query.order_by(decisions.c.opened_at)).mappings()]


def of_subject(tx: Tx, kind: str, subject: str) -> list[Decision]:
    """All of a kind about one subject, whatever their state, oldest first."""
    query = select(decisions).where(decisions.c.kind == kind, decisions.c.subject == subject)
    return [Decision(**row) for row in tx.conn.execute(query.order_by(decisions.c.opened_at)).mappings()]


def recent(tx: Tx, *, limit: int = 20) -> list[Decision]:
    """Open ones first, then the ended ones, the newest first in each."""
    query = select(decisions).order_by((decisions.c.state == OPEN).desc(), decisions.c.opened_at.desc()).limit(limit)
    return [Decision(**row) for row in tx.conn.execute(query).mappings()]


def move(tx: Tx, id: str, state: str, reason: str | None) -> None:
    """Write the end of an open one. The caller has checked that the move is legal and holds the row's lock."""
    mine = (decisions.c.id == id, decisions.c.state == OPEN)
    tx.conn.execute(update(decisions).where(*mine).values(state=state, decided_at=tx.now, reason=reason))


def votes_on(tx: Tx, id: str) -> list[DecisionVote]:
    """What was said, in that order; one row a person, the last word counts."""
    query = select(decision_votes).where(decision_votes.c.decision == id)
    rows = tx.conn.execute(query.order_by(decision_votes.c.at, decision_votes.c.person)).mappings()
    return [DecisionVote(**row) for row in rows]


def vote(tx: Tx, row: Mapping[str, Any]) -> None:
    """Write a word that counts; keys as in DecisionVote without `at`."""
    values = {**row, "at": tx.now}
    again = {key: value for key, value in values.items() if key not in ("decision", "person")}
    statement = insert_or(tx, decision_votes).values(values)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["decision", "person"], set_=again))
