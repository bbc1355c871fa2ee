"""Reviews as rows: one per approval, settled once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from storage import incidents, reviews
from storage.db import Database, Tx
from storage.tables import approvals, runs

ASKED: dict[str, Any] = {
    "idx": 1, "attempt": 1, "digest": "aa", "covers": {}, "rule": {}, "plan": {}, "barred": {}, "state": "used", "paged": [],
}  # fmt: skip
RUN: dict[str, Any] = {
    "stream": "INC-1", "incident": "INC-1", "playbook": "p", "title": "t", "text": "x", "digest": "d", "inputs": {},
    "kind": "real", "requester": "P-1", "editors": [], "shown": True, "state": "running", "fence": 0, "revision": 1,
}  # fmt: skip


def seed(tx: Tx) -> None:
    incidents.open_incident(tx, title="checkout is down", severity="sev1", by="p-ana")
    tx.conn.execute(insert(runs).values(id="INC-1/2", number=2, created_at=tx.now, **RUN))
    for number in (1, 2):
        row = {"id": f"INC-1/2/{number}", "run": "INC-1/2", "opened_at": tx.now, "expires_at": tx.now}
        tx.conn.execute(insert(approvals).values(**row, **ASKED))


async def test_one_review_per_approval_the_sooner_due_first(db: Database) -> None:
    def work(tx: Tx) -> Any:
        seed(tx)
        late = reviews.open(tx, "break-glass", "INC-1/2/1", "INC-1/2", "P-1", tx.now + timedelta(hours=24))
        again = reviews.open(tx, "break-glass", "INC-1/2/1", "INC-1/2", "P-9", tx.now)
        soon = reviews.open(tx, "contain", "INC-1/2/2", "INC-1/2", "P-1", tx.now + timedelta(hours=1))
        return late, again, soon

    late, again, soon = await db.write(work)
    assert (late.id, soon.id) == ("R-1", "R-2") and again == late
    assert await db.read(lambda tx: reviews.of_run(tx, "INC-1/2")) == [soon, late]
    assert await db.read(lambda tx: reviews.open_of_incident(tx, "INC-1")) == [soon, late]
    assert await db.read(lambda tx: reviews.open_of_incident(tx, "INC-2")) == []
    assert await db.read(lambda tx: reviews.of_approval(tx, "INC-1/2/9")) is None


async def test_settled_once(db: Database) -> None:
    def work(tx: Tx) -> Any:
        seed(tx)
        made = reviews.open(tx, "contain", "INC-1/2/1", "INC-1/2", "P-1", tx.now)
        return reviews.settle(tx, made, "accepted", "P-2", "fine"), reviews.settle(tx, made, "objected", "P-3", "no")

    assert await db.write(work) == (True, False)
    (found,) = await db.read(lambda tx: reviews.of_run(tx, "INC-1/2"))
    assert (found.state, found.reviewed_by, found.reason) == ("accepted", "P-2", "fine") and found.reviewed_at
    assert await db.read(lambda tx: reviews.open_of_incident(tx, "INC-1")) == []
