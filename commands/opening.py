"""Who else is opening an incident just now: forms that were opened within minutes and not sent yet.

A form that was opened is a lease with an end, so it needs no tidying up. Belongs here: saying who, in words. Does not
belong here: opening forms (bot/declaring.py), what is open already (storage/incidents.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from commands.words import clock, esc
from storage import incidents, leases, people
from storage.db import Tx

PREFIX = "declaring:"
MINUTES = timedelta(minutes=5)
RECENT = 20


@dataclass(frozen=True)
class Opening:
    """Somebody with the form in front of them. since: when they opened it."""

    name: str
    since: datetime


def begun(tx: Tx, account: str) -> None:
    """This account has the form open, from now on and for minutes."""
    leases.take(tx, f"{PREFIX}{account}", account, lease_s=MINUTES.total_seconds())


def others(tx: Tx, account: str) -> list[Opening]:
    """Everybody else who has it open and has not declared since."""
    found = []
    declared = {one.declared_by: one.declared_at for one in reversed(incidents.latest(tx, limit=RECENT))}
    for _, owner, until in leases.held(tx, PREFIX):
        since = until - MINUTES
        known = people.account(tx, "slack", owner)
        sent = declared.get(known.person) if known and known.person else None
        if owner == account or (sent is not None and sent >= since):
            continue
        called = people.name(tx, known.person) if known and known.person else (known.name if known else None)
        found.append(Opening(called or "Somebody", since))
    return found


def words(tx: Tx, openings: list[Opening]) -> str:
    """`⚠️ *Ben* has the form open since 14:02 …`; "" for nobody."""
    if not openings:
        return ""
    first = openings[0]
    more = f" and {len(openings) - 1} more have" if len(openings) > 1 else " has"
    return f"⚠️ *{esc(first.name)}*{more} the form to declare open too, since {clock(first.since, tx.now)} UTC."
