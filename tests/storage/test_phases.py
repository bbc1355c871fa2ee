"""Time in a phase and time waiting for approval: side by side counts once, what is not over does not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from storage import incidents, phases
from storage.db import Database, Tx
from storage.tables import approvals, runs, steps
from tests.storage.test_reviews import ASKED, RUN

STEP: dict[str, Any] = {
    "uses": "http.probe", "title": "t", "risk": 0, "on_failure": "pause", "state": "succeeded", "attempt": 1, "tries": 0,
    "requesters": [],
}  # fmt: skip
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(minute: float | None) -> datetime | None:
    return NOON + timedelta(minutes=minute) if minute is not None else None


def seed_steps(tx: Tx, run: str, *each: tuple[str | None, float | None, float | None]) -> None:
    """(phase, started, ended) in minutes after noon."""
    for idx, (phase, start, end) in enumerate(each, 1):
        row = {"run": run, "idx": idx, "id": f"s{idx}", "phase": phase, "started_at": at(start), "ended_at": at(end)}
        tx.conn.execute(insert(steps).values(**row, **STEP))


def seed_waits(tx: Tx, run: str, *each: tuple[float, float | None]) -> None:
    """(asked, answered) in minutes after noon."""
    for number, (start, end) in enumerate(each, 1):
        row = {"id": f"{run}/{number}", "run": run, "opened_at": at(start), "expires_at": at(60), "decided_at": at(end)}
        tx.conn.execute(insert(approvals).values(**row, **ASKED))


async def test_what_is_over_counts_and_side_by_side_counts_once(db: Database) -> None:
    def work(tx: Tx) -> tuple[dict[str, dict[str, timedelta]], dict[str, dict[str, timedelta]]]:
        incidents.open_incident(tx, title="checkout is down", severity="sev1", by="p-ana")
        for number in (2, 3):
            tx.conn.execute(insert(runs).values(id=f"INC-1/{number}", number=number, created_at=at(0), **RUN))
        seed_steps(
            tx, "INC-1/2", ("assess", 0, 2), ("assess", 1, 4), ("assess", 10, 11), (None, 0, 50), ("verify", 5, None),
            ("decide", None, 7),
        )  # fmt: skip
        seed_steps(tx, "INC-1/3", ("assess", 3, 6), ("execute", 20, 20))
        seed_waits(tx, "INC-1/2", (4, 9), (8, 12), (30, None))
        org = {**RUN, "stream": "org", "incident": None}
        tx.conn.execute(insert(runs).values(id="org/1", number=1, created_at=at(0), **org))
        seed_steps(tx, "org/1", ("assess", 0, 9))
        return phases.spent(tx, NOON), phases.spent(tx, NOON + timedelta(seconds=1))

    found, none = await db.write(work)
    # assess: 0-6 of two runs without a gap, then 10-11; waiting: 4-12; nothing of what goes on or never began
    minutes = {name: length.total_seconds() / 60 for name, length in found.pop("INC-1").items()}
    assert minutes == {"assess": 7, "waiting": 8, "execute": 0} and found == {} and none == {}
