"""/incident clock"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage import clocks, timers


async def test_it_starts_is_corrected_and_never_reset(talk: Any) -> None:
    id = await talk.declare()
    declared = (await talk.incident(id)).declared_at
    early = declared - timedelta(hours=30)
    reply = await talk("Ana", f"incident clock gdpr aware-since {early.isoformat()} personal data was in the export")
    assert reply.ok and "GDPR breach notification" in reply.text and "left*" in reply.text
    assert "Data protection officer (+1-555-0142" in reply.text
    (event,) = await talk.events(id, "clock.started")
    assert event.when == early and event.text("reason") == "personal data was in the export"
    (timer,) = [one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "clock"]
    assert timer.subject == f"{id}/gdpr"

    again = await talk("Ana", "incident clock gdpr more data was found")
    assert not again.ok and "runs already" in again.text and "nothing resets it" in again.text
    later = declared - timedelta(hours=20)
    reply = await talk("Ben", f"incident clock GDPR aware-since {later.isoformat()} the log says who saw it first")
    assert reply.ok and "corrected" in reply.text
    (event,) = await talk.events(id, "clock.corrected")
    assert event.body["before"] == (await talk.events(id, "clock.started"))[0].body["aware_at"]
    (one,) = await talk.read(lambda tx: clocks.of_incident(tx, id))
    assert (one.aware_at, one.due_at, one.corrected) == (later, later + timedelta(hours=72), 1)
    await talk("Ana", "incident resolve done")
    assert (await talk("Ana", f"incident clock {id} nis2 it was one")).ok, "the law counts after the end too"


async def test_wrong_input_and_a_bare_line_is_a_form(talk: Any) -> None:
    id = await talk.declare()
    assert (
        "no clock **gpdr**. Did you mean **gdpr**?".replace("**", "*")
        in (await talk("Ana", "incident clock gpdr data")).text
    )
    late = ((await talk.incident(id)).declared_at + timedelta(hours=2)).isoformat()
    assert "in the future" in (await talk("Ana", f"incident clock gdpr aware={late} data")).text
    assert "is not a time" in (await talk("Ana", "incident clock gdpr aware-since 25:99 data")).text
    assert "It needs *reason*" in (await talk("Ana", "incident clock gdpr")).text
    assert (await talk("Ana", "incident clock", kind="form", values={"clock": "gdpr", "reason": "x"})).ok
    await talk("Ana", "incident cancel it was the probe")
    assert "was cancelled" in (await talk("Ana", f"incident clock {id} nis2 data")).text
    assert len(await talk.events(id, "clock.started")) == 1
