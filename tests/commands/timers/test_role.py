"""Nobody leads."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from storage import tables


async def test_it_is_asked_until_each_role_is_somebodys(talk: Any, fire: Any, sent: Any, monkeypatch: Any) -> None:
    policy = talk.house.policy
    sev1 = policy.severities["sev1"].model_copy(update={"commander_required": True})
    monkeypatch.setattr(
        talk.house, "policy", policy.model_copy(update={"severities": {**policy.severities, "sev1": sev1}})
    )
    id = await talk.declare()
    rows = select(tables.timers.c.subject).where(tables.timers.c.kind == "role", tables.timers.c.state == "pending")
    assert await talk.read(lambda tx: tx.conn.execute(rows).scalars().all()) == [id]
    await sent()
    await fire(f"role {id}")
    (body,) = await sent()
    assert "nobody is *Incident commander* or *Comms lead*" in body["text"]
    assert [one["label"] for one in body["buttons"]] == ["Take Incident commander", "Take Comms lead", "Snooze 30m"]
    assert "🎩" in (await talk("Ana", body["buttons"][1]["line"], kind="button", channel="CTOWN")).text
    await talk("Ben", "incident ack")
    await sent()
    await fire(f"role {id}")
    (body,) = await sent()
    assert "you are *Incident commander* only until" in body["text"], "the interim one is asked"
    await talk("Ben", "incident role commander me")
    await sent()
    await fire(f"role {id}")
    assert await sent() == []
    await talk("Ben", "incident role commander nobody")
    await talk.house.db.write(lambda tx: tx.conn.execute(update(tables.incidents).values(kind="drill")))
    await sent()
    await fire(f"role {id}")
    assert await sent() == [], "quiet in drills"
