"""Mail to customers is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from storage import incidents
from storage.tables import incidents as rows


async def test_whoever_writes_it_is_told_before_the_time_is_over_and_when_it_is(
    talk: Any, fire: Any, sent: Any
) -> None:
    id = await talk.declare()
    await sent()

    async def begun(hours: float) -> None:
        def work(tx: Any) -> None:
            tx.conn.execute(update(rows).where(rows.c.id == id).values(declared_at=tx.now - timedelta(hours=hours)))

        await talk.house.db.write(work)
        await fire(f"customer_mail {id}")

    await begun(19)
    assert await sent() == [], "a sixth of 24 h is not reached"
    await begun(20.5)
    (soon,) = await sent()
    assert "is due by" in soon["text"] and "comms/service-disruption incident=INC-1 kind=during" in soon["text"]
    assert await talk.events(id, "clock.overdue") == []
    await begun(24.5)
    (late,) = await sent()
    assert "Muster sent none" in late["text"]
    assert [event.body["what"] for event in await talk.events(id, "clock.overdue")] == ["customer_mail"]
    await talk.house.db.write(lambda tx: incidents.set_severity(tx, id, "sev2", by="P-1", reason=""))
    await talk.house.db.write(lambda tx: incidents.cancel(tx, id, by="P-1", reason="a duplicate"))
    await begun(24.5)
    assert await sent() == [], "what was cancelled disrupted nobody"
