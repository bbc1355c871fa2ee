"""/incident detected"""

from __future__ import annotations

from datetime import timedelta
from typing import Any


async def test_it_keeps_the_time_and_whose_word_it_is(talk: Any) -> None:
    id = await talk.declare()
    start = (await talk.incident(id)).declared_at - timedelta(minutes=3)
    reply = await talk("Ben", f"incident detected {start.isoformat()}")
    assert "3 min before it was declared" in reply.text
    event = (await talk.events(id, "incident.time"))[0]
    assert event.when == start and event.claimed_by == event.actor


async def test_it_needs_a_time(talk: Any) -> None:
    await talk.declare()
    assert "It needs *when* (13:59 in UTC)" in (await talk("Ben", "incident detected")).text
