"""Everybody Muster knows, for administrators to look through: people with their accounts and groups.

Belongs here: that reading. Does not belong here: changing any of it (people.py, joining.py), who may look (bot/web).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storage.db import Tx
from storage.people import AMBIGUOUS, MAIL, UNMAPPED, Account
from storage.tables import accounts, memberships, people

MOST = 2000
CONFLICTS = {
    AMBIGUOUS: "could be one of several people",
    UNMAPPED: "belongs to nobody Muster knows",
    MAIL: "matched by its e-mail address only: good for reading, not for approving",
}


@dataclass(frozen=True)
class Known:
    """One person. groups: (name, confirmed, since)."""

    person: str
    name: str | None
    accounts: tuple[Account, ...]
    groups: tuple[tuple[str, bool, datetime], ...]


def everybody(tx: Tx) -> list[Known]:
    """People by name, at most MOST."""
    mine: dict[str, list[Account]] = {}
    for one in _accounts(tx):
        if one.person:
            mine.setdefault(one.person, []).append(one)
    groups: dict[str, list[tuple[str, bool, datetime]]] = {}
    for row in tx.conn.execute(select(memberships).order_by(memberships.c.grp)):
        groups.setdefault(row.person, []).append((row.grp, row.confirmed, row.added_at))
    rows = tx.conn.execute(select(people.c.id, people.c.name).order_by(people.c.name, people.c.id).limit(MOST))
    return [Known(row.id, row.name, tuple(mine.get(row.id, ())), tuple(groups.get(row.id, ()))) for row in rows]


def conflicts(tx: Tx) -> list[tuple[Account, str]]:
    """Accounts somebody has to look at, each with why."""
    return [(one, CONFLICTS[one.state]) for one in _accounts(tx) if one.state in CONFLICTS]


def _accounts(tx: Tx) -> list[Account]:
    columns = [accounts.c[name] for name in Account.__dataclass_fields__]
    rows = tx.conn.execute(select(*columns).order_by(accounts.c.kind, accounts.c.id).limit(2 * MOST)).mappings()
    return [Account(**row) for row in rows]
