"""/incident resolve"""

from __future__ import annotations

from typing import Any

from storage import timeline, verify
from tests.commands.playbook.test_undo import deactivated


async def test_it_ends_closes_and_is_anchored_last(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ben", "incident resolve writer failed over, root cause under review")
    first = reply.text.splitlines()[0]
    assert first.startswith("✅ *INC-1 resolved* after ") and "Timeline anchored at event 5 `sha256:" in first
    assert "Retrospective due *" in reply.text and "When was service restored?" in reply.text
    found = await talk.incident(id)
    assert (found.status, found.resolution) == ("resolved", "writer failed over, root cause under review")
    types = [event.type for event in await talk.events(id)]
    assert types[-3:] == ["incident.resolved", "run.requested", "followup.added"]
    org = (await talk.events(timeline.ORG))[-1]
    assert (org.type, org.body["seq"]) == ("stream.anchored", 5)
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
    open_ones = "Which incident? Open ones: INC-1 checkout is down. Nothing was done."
    assert reply.text == f"{open_ones}\nTry `/incident resolve INC-1`"
    typed = await talk("Ben", "incident resolve writer failed `over`", channel="CTOWN")
    assert typed.text == f"{open_ones}\nTry `/incident resolve incident=INC-1 writer failed 'over'`", "not typed twice"


async def test_what_is_left_over_is_taken_back_or_accepted_by_name_first(talk: Any) -> None:
    id = await deactivated(talk)
    reply = await talk("Ana", "incident resolve failed over")
    assert not reply.ok and "*INC-1 is not resolved*: 1 change is left over" in reply.text
    assert f"1. *{id}* step 1 `aws.iam_deactivate_key` since" in reply.text
    lines = {one.label: (one.line, one.asks) for one in reply.buttons}
    assert lines["Undo 1"] == (f"playbook undo {id} step=1", "reason")
    assert lines["Accept 1"] == (f"playbook accept {id} step=1", "reason")
    again, asks = lines["Accept all and resolve"]
    assert (await talk.incident("INC-1")).open and not await talk.events("INC-1", "incident.resolved")
    form = {"kind": "form", "values": {asks: "it was leaked"}}
    reply = await talk("Ana", again, **form)
    assert not reply.ok and "may be let stay by `@sre`" in reply.text, "who may not run playbooks lets nothing stay"
    assert (await talk.incident("INC-1")).open and not await talk.events("INC-1", "step.accepted")
    reply = await talk("Ben", again, **form)
    assert reply.ok and f"Left behind: {id} step 1 `aws.iam_deactivate_key` (accepted by Ben)." in reply.text
    (event,) = await talk.events("INC-1", "step.accepted")
    assert (event.text("reason"), event.actor) == ("it was leaked", await talk.member("Ben", "sre"))
    assert (await talk.incident("INC-1")).resolution == "failed over"
    assert all(one.ok for one in await talk.read(verify.check_database))


async def test_what_is_taken_back_now_is_not_taken_back_twice(talk: Any) -> None:
    id = await deactivated(talk)
    assert (await talk("Ben", f"playbook undo {id} step=1 wrong key")).ok
    reply = await talk("Ben", "incident resolve")
    assert "(INC-1/3 is taking it back)" in reply.text and "Undo 1" not in [one.label for one in reply.buttons]
    assert "1 left over of its runs: `/incident leftovers INC-1`" in (await talk("Ben", "incident cancel no harm")).text
