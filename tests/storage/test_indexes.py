"""What is asked with every alert, every Home tab and every nudge finds its rows by an index, however long the record is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from storage import captures, replies, runs, sessions, timers, triage
from storage.db import Database, Tx

ASKED: dict[str, Callable[[Tx], Any]] = {
    "a storm of alerts": lambda tx: triage.opened_since(tx, tx.now - timedelta(minutes=10), source="s"),
    "opened by themselves": lambda tx: triage.opened_since(tx, tx.now, by_itself=True),
    "open cards": triage.open_cards,
    "a group's card": lambda tx: triage.live(tx, "g"),
    "an incident's cards": lambda tx: triage.of_incident(tx, "INC-1"),
    "alerts on a card": lambda tx: triage.counted(tx, "T-1"),
    "approvals that wait": runs.waiting_approvals,
    "reminders that wait": lambda tx: replies.withdraw(tx, "nudge:INC-1"),
    "what is to come": lambda tx: timers.pending_of(tx, "INC-1"),
    "a message's timelines": lambda tx: captures.kept(tx, "C1", "1.0"),
    "a browser": lambda tx: sessions.find(tx, "token"),
}


async def test_no_table_is_read_from_end_to_end(url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL has the same indexes, and reads small tables whole all the same")
    said: list[tuple[str, Any]] = []
    plans: dict[str, list[str]] = {}

    def look(tx: Tx) -> None:
        for name, ask in ASKED.items():
            said.clear()
            ask(tx)
            for statement, given in [one for one in said if "FROM" in one[0] or one[0].startswith("UPDATE")]:
                rows = tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
                plans.setdefault(name, []).extend(str(row[3]) for row in rows)

    async with Database(url) as db:
        event.listen(db._engine, "before_cursor_execute", lambda *more: said.append((str(more[2]), more[3])))
        await db.write(look)
    assert plans.keys() == ASKED.keys()
    scans = {name: plan for name, plan in plans.items() if any(line.startswith("SCAN") for line in plan)}
    assert scans == {}
