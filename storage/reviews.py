"""Reviews: what one person decided alone (broken glass, contain) and a second person must look at by a time.

Belongs here: the rows. Does not belong here: who may review, the words, the events (playbooks/engine/reviewing.py).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from storage.db import Tx
from storage.sql import next_number
from storage.tables import runs
from storage.tables_guard import reviews


@dataclass(frozen=True)
class Review:
    """One review. id: "R-7"; kind: break-glass or contain; person: who acted alone; state: open, accepted, objected."""

    id: str
    kind: str
    approval: str
    run: str
    person: str
    due_at: datetime
    state: str
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    reason: str | None = None


_ALL = [reviews.c[field.name] for field in fields(Review)]


def open(tx: Tx, kind: str, approval: str, run: str, person: str, due_at: datetime) -> Review:
    """Open the one review of an approval; the one there is when it has been opened before."""
    if (known := of_approval(tx, approval)) is not None:
        return known
    made = Review(f"R-{next_number(tx, 'review')}", kind, approval, run, person, due_at, "open")
    tx.conn.execute(insert(reviews).values(**made.__dict__))
    return made


def of_approval(tx: Tx, approval: str) -> Review | None:
    """The review of one approval, or None where nobody acted alone."""
    return next(iter(_read(tx, reviews.c.approval == approval)), None)


def of_run(tx: Tx, run: str) -> list[Review]:
    """The reviews of a run, the one that is due first first."""
    return _read(tx, reviews.c.run == run)


def open_of_incident(tx: Tx, incident: str) -> list[Review]:
    """What still waits for a second person in an incident, the one that is due first first."""
    mine = select(runs.c.id).where(runs.c.incident == incident)
    return _read(tx, reviews.c.state == "open", reviews.c.run.in_(mine))


def settle(tx: Tx, review: Review, state: str, by: str, reason: str) -> bool:
    """Write what the second person said; False when somebody was quicker."""
    mine = (reviews.c.id == review.id, reviews.c.state == review.state)
    values = {"state": state, "reviewed_by": by, "reviewed_at": tx.now, "reason": reason or None}
    return bool(tx.conn.execute(update(reviews).where(*mine).values(**values)).rowcount)


def _read(tx: Tx, *where: Any) -> list[Review]:
    query = select(*_ALL).where(*where).order_by(reviews.c.due_at, reviews.c.id)
    return [Review(*row) for row in tx.conn.execute(query)]
