"""Messages on a timeline by a pin, a reaction, a shortcut; declared from a message; and somebody else at the form."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from storage import captures
from tests.conversations.conftest import Town

ANA, BEN, DOV = "U0ANA", "U0BEN", "U0DOV"
pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


async def said(town: Town, user: str, channel: str, text: str) -> str:
    return str((await town.sb.type(user, channel, text)).body)


async def noted(town: Town, *types: str, count: int = 1) -> list[Any]:
    async def there() -> Any:
        found = await town.events("INC-1", *types)
        return found if len(found) >= count else None

    return list(await town.sb.wait_until(there))


async def test_pins_and_reactions_put_messages_on_the_timeline_and_take_them_back(town: Town) -> None:
    await town.muster()
    sb = town.sb
    room = await town.declared()
    await sb.change_channel(room.removeprefix("#"), add=[ANA, BEN, DOV])
    ts = await said(town, BEN, room, "the replica is behind by an hour")
    await sb.react(ANA, room, ts, "eyes")  # not the one that policy names
    await sb.react(ANA, room, ts, "pushpin")
    (kept,) = await noted(town, "capture.kept")
    assert kept.text() == "the replica is behind by an hour" and "slack.com/archives/" in kept.text("link")
    assert (
        "replica" not in str(kept.body)
        and kept.body["how"] == "reaction"
        and abs(float(ts) - kept.when.timestamp()) < 1
    )
    assert kept.body["author"] == kept.actor or kept.body["author"] or kept.text("author") == BEN
    await sb.wait_for(room, "is on *INC-1*", as_user=ANA)
    await sb.pin(DOV, room, ts)  # marked twice: on the timeline once
    await sb.edit(BEN, room, ts, "the replica is behind by a minute")
    (edited,) = await noted(town, "capture.edited")
    assert edited.text() == "the replica is behind by a minute" and edited.body["event"] == kept.seq
    await sb.unreact(ANA, room, ts, "pushpin")  # Dov's pin still marks it
    await sb.unpin(DOV, room, ts)
    (removed,) = await noted(town, "capture.removed")
    assert removed.body["event"] == kept.seq and len(await town.events("INC-1", "capture.kept")) == 1
    shown = await town.says(ANA, room, "/incident timeline after=24", "replica is behind by an hour")
    assert "behind by a minute" in shown.plain

    other = await said(town, DOV, room, "writes fail since 14:00")
    await sb.fail("slack", "conversations.history", "500")
    await sb.pin(ANA, room, other)
    told = await sb.wait_for(room, "by its link alone", as_user=ANA)
    assert "were not read" in told.plain.replace("*", "")
    await town.says(
        ANA, room, f"/incident capture {(await noted(town, 'capture.kept', count=2))[1].text('link')}", "is on *INC-1*"
    )
    assert (await noted(town, "capture.kept", count=3))[2].text() == "writes fail since 14:00"
    await sb.edit(DOV, room, other)
    await noted(town, "capture.deleted")

    graph = {"name": "graph.png", "content": "iVBORw0KGgo="}
    shared = await sb.post("share", user=BEN, channel=room, text="errors since 13:58", files=[graph])
    await sb.pin(ANA, room, shared["ts"])
    filed = (await noted(town, "capture.kept", count=4))[3]
    assert filed.text() == "errors since 13:58"
    assert filed.text("files") == f"graph.png {shared['files'][0]['permalink']}"

    await said(town, DOV, "@U0DOV", "incident status INC-1")  # to Muster alone, without a slash
    assert "INC-1" in (await sb.wait_for("@U0DOV", "investigating", as_user=DOV)).plain
    await said(town, DOV, "@U0DOV", "status")
    await sb.wait_for("@U0DOV", "Did you mean `/incident status`", as_user=DOV)

    elsewhere = await said(town, BEN, "#general", "lunch?")
    await sb.pin(BEN, "#general", elsewhere)  # nobody's business
    await town.says(BEN, "#general", f"/incident capture C0GENERAL/{elsewhere}", "Which incident")
    await town.says(BEN, room, "/incident capture C0GENERAL/1700000000.000100", "no such message")
    await town.says(BEN, room, "/incident capture nonsense", "is not a message")
    assert not await town.read(lambda tx: captures.kept(tx, "C0GENERAL", elsewhere))
    await town.proven()


async def test_a_link_alone_brings_nothing_out_of_a_private_channel(town: Town) -> None:
    await town.muster()
    room = await town.declared()
    async with aiohttp.ClientSession() as session:
        env = town.sandbox.env()
        slack = AsyncWebClient(env["SLACK_BOT_TOKEN"], base_url=env["SLACK_API_URL"], session=session)
        made = (await slack.conversations_create(name="pricing", is_private=True))["channel"]["id"]
        await slack.conversations_invite(channel=made, users=BEN)
    ts = await said(town, BEN, "#pricing", "prices double in May")
    for user in (DOV, BEN):
        line = f"/incident capture INC-1 https://example.slack.com/archives/{made}/p{ts.replace('.', '')}"
        refused = await town.says(user, room, line, "no such message")
        assert "type it in that channel" in refused.plain
    assert not await town.events("INC-1", "capture.kept")
    await town.says(BEN, "#pricing", f"/incident capture INC-1 {made}/{ts}", "is on *INC-1*")  # who may read it there
    assert (await noted(town, "capture.kept"))[0].text() == "prices double in May"
    await town.sb.shortcut(BEN, "incident declare", "#pricing", ts)
    await town.sb.wait_until(lambda: town.sb.views(BEN))
    assert await town.sb.submit(BEN, {"severity": "sev2", "service": "checkout"})

    async def kept() -> Any:
        return await town.events("INC-2", "capture.kept")

    (declared,) = await town.sb.wait_until(kept)  # somebody who reads it there declared from it
    assert declared.text() == "prices double in May" and declared.body["how"] == "declared"
    await town.proven()


async def test_declared_from_a_message_while_somebody_else_has_the_form_open(town: Town) -> None:
    await town.muster()
    sb = town.sb
    ts = await said(town, BEN, "#general", "checkout answers 503 & more")
    await sb.shortcut(BEN, "incident declare")
    await sb.wait_until(lambda: sb.views(BEN))
    await sb.shortcut(ANA, "incident declare", "#general", ts)
    (view,) = await sb.wait_until(lambda: sb.views(ANA))
    assert "has the form to declare open too" in view.plain and "checkout answers 503 & more" in str(view.raw)
    assert await sb.submit(ANA, {"severity": "sev2", "service": "checkout"})
    found = await sb.find_channel("inc-1")
    await sb.wait_for(found["name"], lambda m: m.button("Resolve") is not None)
    (kept,) = await noted(town, "capture.kept")
    assert (
        "checkout answers 503" in kept.text() and kept.body["how"] == "declared" and kept.body["channel"] == "C0GENERAL"
    )
    (declared,) = await town.events("INC-1", "incident.declared")
    assert declared.text("title").startswith("checkout answers 503")

    await sb.shortcut(DOV, "incident declare")
    (third,) = await sb.wait_until(lambda: sb.views(DOV))
    assert "INC-1" in third.plain and f"<#{found['id']}>" in str(third.raw) and "Open already" in third.plain
    await sb.submit(BEN, {"severity": "sev3", "title": "checkout again", "service": "checkout"})
    told = await sb.wait_for("@U0BEN", "INC-2")
    assert "INC-1" in told.plain and "is open for" in told.plain
    note = await said(town, DOV, f"#{found['name']}", "rolled back")
    await sb.shortcut(DOV, "incident capture", f"#{found['name']}", note)
    assert (await noted(town, "capture.kept", count=2))[1].text() == "rolled back"
    await town.proven()
