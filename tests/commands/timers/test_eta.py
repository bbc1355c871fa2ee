"""What was expected to be over is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage import impact, timers


async def test_whoever_leads_is_asked_once(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    ben = await talk.member("Ben", "sre")
    await talk.house.db.write(lambda tx: impact.set_eta(tx, id, tx.now, by=ben))
    await sent()
    await fire(f"eta {id}")
    (body,) = await sent()
    assert "was expected to be over at" in body["text"] and f"incident snooze {id} eta" in body["buttons"][0]["line"]
    await talk.house.db.write(lambda tx: impact.set_eta(tx, id, tx.now + timedelta(hours=1), by=ben))
    await fire(f"eta {id}")
    assert await sent() == []
    (timer,) = [one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "eta"]
    assert timer.due_at == (await talk.read(lambda tx: impact.of_incident(tx, id))).eta
    await talk.house.db.write(lambda tx: impact.set_eta(tx, id, tx.now, by=ben))
    await talk("Ben", "incident restored")
    await sent()
    await fire(f"eta {id}")
    assert await sent() == []
