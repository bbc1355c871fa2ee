"""/incident resolve"""

from __future__ import annotations

from typing import Any

from storage import timeline, verify


async def test_it_ends_closes_and_is_anchored_last(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ben", "incident resolve writer failed over, root cause under review")
    first = reply.text.splitlines()[0]
    assert first.startswith("✅ *INC-1 resolved* after ") and "Timeline anchored at event 4 `sha256:" in first
    assert "Retrospective due *" in reply.text and "When was service restored?" in reply.text
    found = await talk.incident(id)
    assert (found.status, found.resolution) == ("resolved", "writer failed over, root cause under review")
    types = [event.type for event in await talk.events(id)]
    assert types[-2:] == ["incident.resolved", "run.requested"]
    org = (await talk.events(timeline.ORG))[-1]
    assert (org.type, org.body["seq"]) == ("stream.anchored", 4)
    assert all(one.ok for one in await talk.read(verify.check_database))


async def test_runs_that_still_go_are_named(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    assert "Still going on: INC-1/2 failover/rds-multi-az (queued)" in (await talk("Ben", "incident resolve")).text


async def test_twice_is_refused(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "incident resolve")
    reply = await talk("Ben", "incident resolve")
    assert not reply.ok and "stays so" in reply.text


async def test_outside_a_channel_it_asks_which(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident resolve", channel="CTOWN")
    assert reply.text == "Which incident? Open ones: INC-1 checkout is down.\nTry `/incident resolve INC-1`"
