"""Slack's channels, stood in for: names, privacy, topics, history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxClient

Refusal = Callable[[Awaitable[Any]], Awaitable[str]]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("x" * 81, "invalid_name_maxlength"),
        ("---", "invalid_name_punctuation"),
        ("Inc-1", "invalid_name_specials"),
        ("inc 1", "invalid_name_specials"),
        ("caf\u00e9", "invalid_name_specials"),
        ("here", "invalid_name"),
        ("incidents", "name_taken"),
    ],
)
async def test_create_refuses_bad_names(web: AsyncWebClient, refusal: Refusal, name: str, error: str) -> None:
    assert await refusal(web.conversations_create(name=name)) == error


async def test_names_of_archived_channels_stay_taken(web: AsyncWebClient, refusal: Refusal) -> None:
    channel = (await web.conversations_create(name="x" * 80))["channel"]["id"]
    await web.conversations_archive(channel=channel)
    assert await refusal(web.conversations_create(name="x" * 80)) == "name_taken"
    assert await refusal(web.conversations_archive(channel=channel)) == "already_archived"
    assert await refusal(web.conversations_setTopic(channel=channel, topic="x")) == "is_archived"
    assert await refusal(web.conversations_unarchive(channel=channel)) == "not_in_channel"


async def test_rename_changes_the_name_instead_of_refusing(
    web: AsyncWebClient, sb: SandboxClient, refusal: Refusal
) -> None:
    channel = (await web.conversations_create(name="inc-1"))["channel"]["id"]
    renamed = await web.conversations_rename(channel=channel, name="Inc 2 DOWN!")
    assert renamed["channel"]["name"] == "inc-2-down"
    assert renamed["channel"]["previous_names"] == ["inc-1"]
    assert await refusal(web.conversations_rename(channel="C0INCIDENTS", name="x")) == "not_authorized"
    assert await refusal(web.conversations_rename(channel=channel, name="general")) == "name_taken"


async def test_private_channels_need_their_own_scope(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    channel = (await web.conversations_create(name="s-1", is_private=True))["channel"]
    assert channel["is_private"] is True
    await sb.scopes(remove=["groups:write"])
    assert await refusal(web.conversations_create(name="s-2", is_private=True)) == "missing_scope"
    assert await refusal(web.conversations_setTopic(channel=channel["id"], topic="x")) == "missing_scope"
    assert (await web.conversations_create(name="s-2"))["ok"]


async def test_a_topic_has_250_characters(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    await web.conversations_setTopic(channel="C0INCIDENTS", topic="t" * 250)
    assert (await sb.channel("incidents"))["topic"] == "t" * 250
    assert await refusal(web.conversations_setTopic(channel="C0INCIDENTS", topic="t" * 251)) == "too_long"


async def test_lists_come_in_pages_and_hide_foreign_private_channels(web: AsyncWebClient, sb: SandboxClient) -> None:
    await sb.change_channel("hidden", create=True, private=True)
    for n in range(5):
        await web.conversations_create(name=f"inc-{n}")
    names: list[str] = []
    pages = 0
    async for page in await web.conversations_list(limit=3, types="public_channel,private_channel"):
        names += [c["name"] for c in page["channels"]]
        pages += 1
    assert names == ["general", "incidents", *(f"inc-{n}" for n in range(5))]
    assert pages == 3


async def test_history_is_newest_first_and_bounded(web: AsyncWebClient, refusal: Refusal) -> None:
    stamps = [(await web.chat_postMessage(channel="C0INCIDENTS", text=str(n)))["ts"] for n in range(5)]
    found = await web.conversations_history(channel="C0INCIDENTS", oldest=stamps[1], latest=stamps[3])
    assert [m["text"] for m in found["messages"]] == ["2"]
    first = await web.conversations_history(channel="C0INCIDENTS", limit=2)
    assert ([m["text"] for m in first["messages"]], first["has_more"]) == (["4", "3"], True)
    assert await refusal(web.conversations_history(channel="C0NOWHERE")) == "channel_not_found"
