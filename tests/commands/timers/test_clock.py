"""A regulatory clock runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from storage import clocks, incidents, tables, timers
from storage.db import Tx


async def _started(talk: Any, hours: float) -> str:
    """An incident whose gdpr clock (72 h) began so many hours ago."""
    id: str = await talk.declare()

    def work(tx: Tx) -> None:
        aware = tx.now - timedelta(hours=hours)
        by = incidents.get(tx, id).declared_by
        clocks.start(tx, id, "gdpr", by=by, aware_at=aware, within=timedelta(hours=72), reason="data")

    await talk.house.db.write(work)
    return id


async def _next(talk: Any, id: str) -> Any:
    (timer,) = [one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "clock"]
    return timer


async def test_reminded_at_half_at_four_fifths_and_when_it_is_due(talk: Any, fire: Any, sent: Any) -> None:
    id = await _started(talk, 1)
    await sent()
    await fire(f"clock {id}/gdpr")
    assert await sent() == [], "nothing is near"
    one = (await talk.read(lambda tx: clocks.of_incident(tx, id)))[0]
    assert (await _next(talk, id)).due_at == one.at(0.5)

    id = await _started(talk, 40)
    await sent()
    await fire(f"clock {id}/gdpr")
    (body,) = await sent()
    assert "left*" in body["text"] and "Data protection officer" in body["text"]
    assert [button["line"] for button in body["buttons"]] == [f"incident snooze {id} gdpr 1h"]
    later = await _next(talk, id)
    assert later.payload["said"] == 1 and later.due_at == (await _one(talk, id)).at(0.8)
    await fire(f"clock {id}/gdpr", **later.payload)
    assert await sent() == [], "said once"
    assert (await talk("Ana", f"incident snooze {id} gdpr 1h")).ok
    await sent()
    assert (await _next(talk, id)).payload["again"] is True
    await fire(f"clock {id}/gdpr", said=1, again=True)
    assert len(await sent()) == 1, "put off, it comes again"


async def _one(talk: Any, id: str) -> Any:
    return (await talk.read(lambda tx: clocks.of_incident(tx, id)))[0]


async def test_overdue_is_on_the_record_and_said_again_until_it_is_notified(talk: Any, fire: Any, sent: Any) -> None:
    id = await _started(talk, 73)
    await talk("Ana", "incident resolve done")
    await sent()
    await fire(f"clock {id}/gdpr")
    (body,) = await sent()
    assert "was due" in body["text"]
    (event,) = [one for one in await talk.events(id, "clock.overdue") if one.body["what"] == "clock gdpr"]
    assert event.body["due_at"]
    await fire(f"clock {id}/gdpr", said=3)
    assert len(await sent()) == 1 and len(await talk.events(id, "clock.overdue")) == 1
    await talk.house.db.write(lambda tx: tx.conn.execute(update(tables.incidents).values(kind="drill")))
    await fire(f"clock {id}/gdpr", said=3)
    assert await sent() == [], "quiet in drills"
