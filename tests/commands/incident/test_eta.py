"""/incident eta"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage import timers


async def test_the_latest_word_counts_and_its_timer(talk: Any) -> None:
    id = await talk.declare()
    assert (await talk("Ana", "incident eta 2h")).ok
    reply = await talk("Ana", "incident eta 45m the replica is catching up")
    assert "expected to be over at" in reply.text
    event = (await talk.events(id, "incident.eta"))[1]
    assert event.text("reason") == "the replica is catching up"
    (timer,) = [one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "eta"]
    assert timer.due_at - event.at == timedelta(minutes=45)
    assert "is not a time" in (await talk("Ana", "incident eta soon")).text
    await talk("Ana", "incident cancel it was the probe")
    assert "was cancelled; nothing was changed" in (await talk("Ana", f"incident eta {id} 1h")).text
