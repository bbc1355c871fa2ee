"""Slack's pins, stood in for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxClient

Refusal = Callable[[Awaitable[Any]], Awaitable[str]]
HERE = "C0INCIDENTS"


async def test_pins(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    ts = (await web.chat_postMessage(channel=HERE, text="board"))["ts"]
    await web.pins_add(channel=HERE, timestamp=ts)
    assert [i["message"]["text"] for i in (await web.pins_list(channel=HERE))["items"]] == ["board"]
    assert await refusal(web.pins_add(channel=HERE, timestamp=ts)) == "already_pinned"
    assert await refusal(web.pins_add(channel=HERE, timestamp="1.1")) == "message_not_found"
    await web.pins_remove(channel=HERE, timestamp=ts)
    assert await refusal(web.pins_remove(channel=HERE, timestamp=ts)) == "no_pin"


async def test_bookmarks(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    await web.bookmarks_add(channel_id=HERE, title="Page", type="link", link="https://example.com/p")
    assert [b["title"] for b in (await sb.channel(HERE))["bookmarks"]] == ["Page"]
    wrong = web.bookmarks_add(channel_id=HERE, title="Page", type="link", link="ftp://example.com")
    assert await refusal(wrong) == "invalid_link"
    for n in range(99):
        await web.bookmarks_add(channel_id=HERE, title=f"{n}", type="link", link="https://example.com/p")
    over = web.bookmarks_add(channel_id=HERE, title="x", type="link", link="https://example.com")
    assert await refusal(over) == "too_many_bookmarks"


async def test_reactions(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    ts = (await web.chat_postMessage(channel=HERE, text="x"))["ts"]
    await web.reactions_add(channel=HERE, timestamp=ts, name="eyes")
    assert await refusal(web.reactions_add(channel=HERE, timestamp=ts, name="eyes")) == "already_reacted"
    assert (await sb.messages(HERE))[-1].reactions == {"eyes": ["U0MUSTER"]}
