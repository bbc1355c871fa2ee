"""Files that people share, and the direct messages of two people: what others see, and what the app is told."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.client import Refused
from bot.sandbox.page import showing

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def given(name: str, content: bytes) -> dict[str, str]:
    return {"name": name, "content": b64encode(content).decode()}


def told(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [one.payload["event"] for one in sandbox.deliveries.sent.values() if one.kind == "events_api"]


async def test_a_file_is_a_message_with_it_that_the_app_hears_of_and_reads_back(
    sandbox: Sandbox, sb: SandboxClient, web: AsyncWebClient
) -> None:
    sandbox.settings.subscribed.append("file_shared")
    two = [given("graph 1.png", PNG), given("notes.txt", b"503 since 13:58")]
    said = await sb.post("share", user="U0BEN", channel="#incidents", text="look, @chi", files=two)
    message, shared, again = told(sandbox)
    assert (message["type"], message["subtype"], message["user"]) == ("message", "file_share", "U0BEN")
    assert message["text"] == "look, <@U0CHI>" and message["channel_type"] == "channel"
    assert [(one["name"], one["mimetype"], one["size"]) for one in message["files"]] == [
        ("graph 1.png", "image/png", len(PNG)),
        ("notes.txt", "text/plain", 15),
    ]
    assert [shared["file_id"], again["file_id"]] == [one["id"] for one in said["files"]]
    assert shared["user_id"] == "U0BEN" and shared["channel_id"] == "C0INCIDENTS"
    (read,) = (await web.conversations_history(channel="C0INCIDENTS"))["messages"]
    assert read["ts"] == said["ts"]
    assert read["files"][0]["permalink"].endswith(f"/files/U0BEN/{shared['file_id']}/graph%201.png")
    assert (await web.files_info(file=shared["file_id"]))["file"]["user"] == "U0BEN"


async def test_what_a_client_does_not_send_is_refused_in_words(sandbox: Sandbox, sb: SandboxClient) -> None:
    for files, text, why in (
        ([], "", "1 to 10 files"),
        ([given("a", b"a")] * 11, "", "1 to 10 files"),
        ([given("nothing.txt", b"")], "", "nothing.txt is empty"),
        ([given("a", b"a")], "/incident status", "takes no files"),
        ([{"name": "a", "content": "no base64"}], "", "base64"),
    ):
        with pytest.raises(Refused, match=why):
            await sb.post("share", user="U0BEN", channel="#incidents", text=text, files=files)
    with pytest.raises(Refused, match="another company"):
        await sb.post("direct", user="U0BEN", other="U0XIA")
    with pytest.raises(Refused, match="somebody else"):
        await sb.post("direct", user="U0BEN", other="U0BEN")
    assert told(sandbox) == [] and sandbox.world.files == {}


async def test_two_people_write_to_each_other_and_the_app_neither_hears_nor_sees_it(
    sandbox: Sandbox, sb: SandboxClient, web: AsyncWebClient, refusal: Any
) -> None:
    place = (await sb.post("direct", user="U0ANA", other="U0BEN"))["channel"]
    assert (await sb.post("direct", user="U0BEN", other="U0ANA"))["channel"] == place
    ts = (await sb.type("U0ANA", place, "between us")).body
    await sb.post("share", user="U0BEN", channel=place, files=[given("a.txt", b"a")])
    await sb.react("U0BEN", place, str(ts), "eyes")
    await sb.pin("U0BEN", place, str(ts))
    assert told(sandbox) == []
    assert await refusal(web.conversations_info(channel=place)) == "channel_not_found"
    assert await refusal(web.chat_postMessage(channel=place, text="hello")) in ("channel_not_found", "not_in_channel")
    ana, ben, eve = (sandbox.world.users[f"U0{name}"] for name in ("ANA", "BEN", "EVE"))
    names = {
        user.name: {one["id"]: one["name"] for one in showing.workspace(sandbox, user)["channels"]}
        for user in (ana, ben, eve)
    }
    assert names["ana"][place] == "Ben" and names["ben"][place] == "Ana" and place not in names["eve"]
    assert "cannot see" in showing.channel(sandbox, eve, place)["error"]
    assert not showing.channel(sandbox, ana, place)["app"]
    own = (await sb.post("direct", user="U0ANA", other="U0MUSTER"))["channel"]
    await sb.type("U0ANA", own, "incident status")
    (event,) = told(sandbox)
    assert (event["channel"], event["channel_type"]) == (own, "im") and showing.channel(sandbox, ana, own)["app"]
