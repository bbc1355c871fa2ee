"""/incident subscribe"""

from __future__ import annotations

from typing import Any

from storage import people


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


async def test_whoever_may_no_more_see_a_private_one_hears_no_more_of_it(talk: Any, sent: Any) -> None:
    id = await talk.declare("sev1 keys were read service=checkout type=security")
    for who in ("Ben", "Chi"):
        assert (await talk(who, f"incident subscribe {id}", channel="CTOWN")).ok
    await sent()
    left = await talk.member("Chi")
    await talk.house.db.write(lambda tx: people.set_group(tx, "sre", {"slack": {left}}))  # Ben is in it no longer
    assert (await talk("Ana", "incident sev sev2 only one shop")).ok
    told = [body["text"] for body in await sent() if body["text"].startswith("🔔")]
    assert len(told) == 1 and "keys were read" not in told[0], "Chi alone"
