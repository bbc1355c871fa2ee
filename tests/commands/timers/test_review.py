"""The review of what one person decided alone: a reminder before it is due, administrators after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from storage.tables import runs, timers
from storage.tables_guard import reviews
from tests.commands.playbook.test_review import alone


async def _told(talk: Any) -> list[Any]:
    query = select(runs.c.inputs).where(runs.c.playbook == "comms/acted-alone").order_by(runs.c.number)
    return list(await talk.read(lambda tx: tx.conn.execute(query).scalars().all()))


async def _due(talk: Any, hours: float) -> None:
    await talk.house.db.write(
        lambda tx: tx.conn.execute(update(reviews).values(due_at=tx.now + timedelta(hours=hours))) and None
    )


async def test_reminded_then_told_to_administrators_until_it_is_done(talk: Any, fire: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    ben = await talk.member("Ben", "sre")
    await talk.house.db.write(lambda tx: alone(tx, ben))
    await _due(talk, 1)
    await fire("review INC-1/2/1")
    (reminder,) = await _told(talk)
    assert "is due by" in reminder["text"] and "UCHI" in reminder["users"] and "UBEN" not in reminder["users"]
    assert reminder["channel"] is None
    await _due(talk, -1)
    await fire("review INC-1/2/1")
    late = (await _told(talk))[-1]
    assert "has been due since" in late["text"] and late["channel"] == "C42"
    assert len(await talk.events("INC-1", "review.overdue")) == 1
    again = select(timers.c.due_at).where(timers.c.kind == "review", timers.c.state == "pending")
    assert await talk.read(lambda tx: tx.conn.execute(again).scalar() > tx.now)
    await talk("Chi", "playbook review INC-1/2 accept")
    assert await talk.read(lambda tx: tx.conn.execute(again).scalar()) is None
    await fire("review INC-1/2/1")
    await fire("review INC-9/9/9")
    assert len(await _told(talk)) == 2
