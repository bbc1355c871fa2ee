"""/incident subscribe"""

from __future__ import annotations

from typing import Any


async def test_followers_hear_of_what_changed_whoever_changed_it(talk: Any, sent: Any) -> None:
    id = await talk.declare()
    reply = await talk("Eve", f"incident subscribe {id}", channel="CTOWN")
    assert "You are told when *INC-1* changes" in reply.text and reply.buttons[0].line == "incident unsubscribe INC-1"
    assert "subscribed to INC-1 already" in (await talk("Eve", "incident subscribe")).text
    await talk("Chi", "incident subscribe")
    await sent()
    assert (await talk("Chi", "incident sev sev2 only one shop")).ok
    told = [body["text"] for body in await sent() if body["text"].startswith("🔔")]
    assert told == ["🔔 *INC-1 · sev2 · checkout is down* by Chi · <#C42>\nIt is *sev2* now (was sev1)."], "Eve alone"
    await talk("Ana", "incident note nothing to follow")
    assert [body for body in await sent() if body["text"].startswith("🔔")] == []
    await talk("Ana", "incident resolve it was an index")
    told = [body["text"] for body in await sent() if body["text"].startswith("🔔")]
    assert len(told) == 2 and "It is *resolved* now (was investigating).\n> it was an index" in told[0]
    assert "nothing more to follow" in (await talk("Ben", "incident subscribe")).text
    assert [event.type for event in await talk.events(id) if "subscribed" in event.type] == ["incident.subscribed"] * 2
