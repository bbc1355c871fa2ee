"""Cards are asked for before the head of a stream is locked: who delivers one locks its row first, then the head.

In the other order PostgreSQL ends one of the two after a second, while a person waits.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from storage import clocks, followups, impact, incidents, levels, standing, tasks, triage
from storage.db import Database, Tx
from storage.triage import Alert

INC, ANA = "INC-1", "P-ANA"
Work = Callable[[Tx], Any]
WRITERS: dict[str, Work] = {
    "impact": lambda tx: impact.say(tx, INC, by=ANA, users="all"),
    "eta": lambda tx: impact.set_eta(tx, INC, tx.now, by=ANA),
    "service": lambda tx: impact.add_service(tx, INC, "checkout", by=ANA),
    "clock": lambda tx: clocks.start(tx, INC, "gdpr", by=ANA, aware_at=tx.now, within=timedelta(days=3), reason="x"),
    "notified": lambda tx: clocks.notified(tx, INC, "gdpr", by=ANA, person=ANA, at=tx.now, reference="R"),
    "task": lambda tx: tasks.add(tx, INC, "look", by=ANA, owner=None, due_at=None),
    "given": lambda tx: tasks.change(tx, INC, 1, by=ANA, owner=ANA, due_at=tx.now),
    "task done": lambda tx: tasks.done(tx, INC, 1, by=ANA),
    "follow-up": lambda tx: followups.add(tx, INC, "alarm", by=ANA, owner=ANA, due_at=tx.now),
    "put off": lambda tx: followups.change(tx, INC, "f1", by=ANA, owner="P-BEN", due_at=tx.now),
    "ticketed": lambda tx: followups.ticketed(tx, INC, "f1", ticket="OPS-1", url="u", run="INC-1/1"),
    "lost": lambda tx: followups.lost(tx, INC, "f1", run="INC-1/1"),
    "done": lambda tx: followups.done(tx, INC, "f1", by=ANA),
    "alerts": lambda tx: triage.raise_card(
        tx, source="s", grp="g", first=Alert("f", "t", "firing", tx.now), alerts=1, service=None, severity=None
    ),
    "taken": lambda tx: triage.take(tx, "T-1", INC, by=ANA),
    "fired again": lambda tx: triage.fired_again(tx, INC, triage.of_incident(tx, INC)[0], 1),
    "ended": lambda tx: triage.ended(tx, INC, triage.of_incident(tx, INC)[0]),
    "link": lambda tx: standing.link(tx, INC, "https://a.example", "a", by=ANA),
    "level": lambda tx: levels.set_level(tx, INC, "region", by=ANA, reason="x"),
}


async def test_no_card_is_asked_for_behind_the_head_of_a_stream(url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("the order of statements is the same on both databases")
    said: list[str] = []
    async with Database(url) as db:
        await db.write(lambda tx: incidents.open_incident(tx, title="t", severity="sev1", by=ANA))
        event.listen(db._engine, "before_cursor_execute", lambda *given: said.append(str(given[2])))
        for name, work in WRITERS.items():
            said.clear()
            await db.write(work)
            tables = ["streams" if " streams" in one else "cards" if " cards" in one else "" for one in said]
            assert "streams" in tables and "cards" in tables, name
            assert "cards" not in tables[tables.index("streams") :], name
