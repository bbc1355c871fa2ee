"""/incident unsubscribe"""

from __future__ import annotations

from typing import Any


async def test_nothing_more_is_told(talk: Any, sent: Any) -> None:
    await talk.declare()
    assert "You are not subscribed to INC-1" in (await talk("Eve", "incident unsubscribe")).text
    await talk("Eve", "incident subscribe")
    assert "told no more" in (await talk("Eve", "incident unsubscribe")).text
    await sent()
    await talk("Ben", "incident sev sev2")
    assert [body for body in await sent() if body["text"].startswith("🔔")] == []
