"""Slack's messages, stood in for: posting, editing, ephemeral answers, metadata."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxClient

Refusal = Callable[[Awaitable[Any]], Awaitable[str]]
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*board*"}}]
MARK = {"event_type": "muster_card", "event_payload": {"card": "42"}}
HERE = "C0INCIDENTS"


async def test_a_post_is_read_back_in_order(web: AsyncWebClient, sb: SandboxClient) -> None:
    first = await web.chat_postMessage(channel=HERE, text="one")
    second = await web.chat_postMessage(channel=HERE, text="two", blocks=BLOCKS)
    assert float(second["ts"]) > float(first["ts"])
    assert [m.plain for m in await sb.messages("#incidents")] == ["one", "two\n*board*"]


async def test_where_a_post_may_go(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    await sb.change_channel("outside", create=True)
    await sb.change_channel("secret", create=True, private=True)
    ids = {c["name"]: c["id"] for c in await sb.channels()}
    assert await refusal(web.chat_postMessage(channel=ids["outside"], text="x")) == "not_in_channel"
    assert await refusal(web.chat_postMessage(channel=ids["secret"], text="x")) == "channel_not_found"
    assert await refusal(web.chat_postMessage(channel="C0NOWHERE", text="x")) == "channel_not_found"
    assert await refusal(web.api_call("chat.postMessage", json={"channel": HERE, "text": ""})) == "no_text"
    await sb.scopes(add=["chat:write.public"])
    assert (await web.chat_postMessage(channel=ids["outside"], text="x"))["ok"]
    assert await refusal(web.chat_postMessage(channel=ids["secret"], text="x")) == "channel_not_found"
    await sb.change_channel("outside", archived=True)
    assert await refusal(web.chat_postMessage(channel=ids["outside"], text="x")) == "is_archived"


async def test_a_post_to_a_person_opens_direct_messages(web: AsyncWebClient, sb: SandboxClient) -> None:
    answer = await web.chat_postMessage(channel="U0ANA", text="psst")
    assert answer["channel"].startswith("D")
    assert [m.text for m in await sb.messages("@U0ANA")] == ["psst"]


async def test_update_with_text_alone_removes_the_blocks(web: AsyncWebClient, sb: SandboxClient) -> None:
    ts = (await web.chat_postMessage(channel=HERE, text="a", blocks=BLOCKS, metadata=MARK))["ts"]
    await web.chat_update(channel=HERE, ts=ts, text="b")
    message = (await sb.messages("incidents"))[-1]
    assert (message.text, message.blocks, message.edited, message.metadata) == ("b", [], True, MARK)
    await web.api_call("chat.update", json={"channel": HERE, "ts": ts, "text": "b", "metadata": {}})
    assert (await sb.messages("incidents"))[-1].metadata is None


async def test_update_refusals(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    typed = (await sb.type("U0ANA", "#incidents", "hello")).body
    ts = (await web.chat_postMessage(channel=HERE, text="x" * 4001))["ts"]
    assert await refusal(web.chat_update(channel=HERE, ts=ts, text="x" * 4001)) == "msg_too_long"
    assert await refusal(web.chat_update(channel=HERE, ts=typed, text="x")) == "cant_update_message"
    assert await refusal(web.chat_update(channel=HERE, ts="1.1", text="x")) == "message_not_found"
    assert await refusal(web.chat_delete(channel=HERE, ts=typed)) == "cant_delete_message"
    shown = (await web.chat_postEphemeral(channel=HERE, user="U0ANA", text="x"))["message_ts"]
    assert await refusal(web.chat_update(channel=HERE, ts=shown, text="y")) == "message_not_found"


async def test_only_its_reader_sees_an_ephemeral_message(
    web: AsyncWebClient, sb: SandboxClient, refusal: Refusal
) -> None:
    await web.chat_postEphemeral(channel=HERE, user="U0ANA", text="only you")
    assert [m.text for m in await sb.messages("#incidents", "U0ANA")] == ["only you"]
    assert await sb.messages("#incidents", "U0BEN") == []
    assert (await web.conversations_history(channel=HERE))["messages"] == []
    assert await refusal(web.chat_postEphemeral(channel=HERE, user="U0GUS", text="x")) == "user_not_in_channel"


async def test_metadata_is_read_back_only_when_asked_for(web: AsyncWebClient, refusal: Refusal) -> None:
    await web.chat_postMessage(channel=HERE, text="a", metadata=MARK)
    assert "metadata" not in (await web.conversations_history(channel=HERE))["messages"][0]
    found = await web.conversations_history(channel=HERE, include_all_metadata=True)
    assert found["messages"][0]["metadata"] == MARK
    wrong = web.chat_postMessage(channel=HERE, text="a", metadata={"event_type": "x"})
    assert await refusal(wrong) == "invalid_metadata_format"


async def test_a_deleted_message_is_gone(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    ts = (await web.chat_postMessage(channel=HERE, text="a"))["ts"]
    await web.chat_delete(channel=HERE, ts=ts)
    assert await sb.messages("#incidents") == []
    assert await refusal(web.chat_getPermalink(channel=HERE, message_ts=ts)) == "message_not_found"


async def test_replies_stay_in_their_thread(web: AsyncWebClient) -> None:
    root = (await web.chat_postMessage(channel=HERE, text="root"))["ts"]
    await web.chat_postMessage(channel=HERE, text="reply", thread_ts=root)
    assert [m["text"] for m in (await web.conversations_history(channel=HERE))["messages"]] == ["root"]
    assert [m["text"] for m in (await web.conversations_replies(channel=HERE, ts=root))["messages"]] == [
        "root",
        "reply",
    ]
