"""/incident notified"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage import clocks, timers


async def test_a_named_person_gave_the_notice_and_the_clock_ends(talk: Any) -> None:
    id = await talk.declare()
    none = await talk("Ana", "incident notified gdpr")
    assert not none.ok and "No clock of gdpr runs" in none.text and "/incident clock gdpr" in none.text
    early = (await talk.incident(id)).declared_at - timedelta(hours=80)
    await talk("Ana", f"incident clock gdpr aware-since {early.isoformat()} data was public")
    reply = await talk("Ana", "incident notified gdpr by=<@UBEN|ben> reference IMY-1187")
    assert reply.ok and "was notified by *Ben*" in reply.text and "It was due" in reply.text and reply.data["late"]
    (event,) = await talk.events(id, "clock.notified")
    assert event.body["person"] == await talk.member("Ben", "sre") and event.text("reference") == "reference IMY-1187"
    (one,) = await talk.read(lambda tx: clocks.of_incident(tx, id))
    assert not one.running
    assert [one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "clock"] == []
    assert "notice of gdpr was given" in (await talk("Ana", "incident notified gdpr")).text
    assert "its clock stands" in (await talk("Ana", "incident clock gdpr aware-since 00:01 no")).text


async def test_wrong_times_and_people(talk: Any) -> None:
    id = await talk.declare()
    await talk("Ana", "incident clock gdpr data was public")
    early = ((await talk.incident(id)).declared_at - timedelta(hours=1)).isoformat()
    assert "before somebody was aware" in (await talk("Ana", f"incident notified gdpr at={early}")).text
    assert "given by somebody" in (await talk("Ana", "incident notified gdpr by=nobody")).text
    assert "nobody Muster can call" in (await talk("Ana", "incident notified gdpr by=<@UZZZ|zoe>")).text
    assert await talk.events(id, "clock.notified") == []
