"""Mail to customers is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from storage import incidents
from storage.tables import incidents as rows
from storage.tables import steps


async def test_whoever_writes_it_is_told_before_the_time_is_over_and_when_it_is(
    talk: Any, fire: Any, sent: Any
) -> None:
    id = await talk.declare()
    await sent()

    async def begun(hours: float, incident: str = id) -> None:
        def work(tx: Any) -> None:
            began = {"declared_at": tx.now - timedelta(hours=hours)}
            tx.conn.execute(update(rows).where(rows.c.id == incident).values(**began))

        await talk.house.db.write(work)
        await fire(f"customer_mail {incident}")

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
    await talk.member("Ben", "sre")
    line = "playbook run comms/service-disruption service=checkout kind=during status=slow"
    run = (await talk("Ben", line)).data["run"]

    async def mailed(to: str) -> None:
        values = {"state": "succeeded", "params": {"to": to}}
        here = (steps.c.run == run, steps.c.uses == "mail.send")
        await talk.house.db.write(lambda tx: tx.conn.execute(update(steps).where(*here).values(**values)))

    await mailed("responders")
    await sent()
    await begun(24.6)
    assert len(await sent()) == 1, "our own people are no customers"
    await mailed("readers")
    await begun(24.6)
    assert await sent() == [], "they have had mail"
    await mailed("responders")
    await talk.house.db.write(lambda tx: incidents.set_severity(tx, id, "sev2", by="P-1", reason=""))
    await talk.house.db.write(lambda tx: incidents.cancel(tx, id, by="P-1", reason="a duplicate"))
    await begun(24.5)
    assert await sent() == [], "what was cancelled disrupted nobody"
    lower = await talk.declare()
    await talk("Ben", f"incident sev sev3 incident={lower}")
    await sent()
    await begun(24.5, lower)
    assert "Muster sent none" in (await sent())[0]["text"], "what a sev1 promised is owed by the sev3 too"
    await fire(f"customer_mail {lower}")
    assert await sent() == [], "said once that it is over"
    over = await talk.declare()
    await talk.house.db.write(lambda tx: incidents.resolve(tx, over, by="P-1", resolution="by itself"))
    await sent()
    await begun(24.5, over)
    (owed,) = await sent()
    assert "kind=after" in owed["text"] and "incident=" not in owed["text"], "nothing new runs in what has ended"
