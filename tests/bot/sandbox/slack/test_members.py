"""Slack's channel members, stood in for: who can be invited, and by whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxClient

Refusal = Callable[[Awaitable[Any]], Awaitable[str]]


@pytest.fixture
async def channel(web: AsyncWebClient) -> str:
    return str((await web.conversations_create(name="inc-1"))["channel"]["id"])


@pytest.mark.parametrize(
    ("user", "error"),
    [
        ("U0MUSTER", "cant_invite_self"), ("U0ZED", "user_not_found"), ("U0GUS", "user_is_restricted"),
        ("U0XIA", "no_external_invite_permission"), ("U0NOBODY", "user_not_found"), ("", "no_user"),
    ],
)  # fmt: skip
async def test_who_cannot_be_invited(
    web: AsyncWebClient, refusal: Refusal, channel: str, user: str, error: str
) -> None:
    assert await refusal(web.conversations_invite(channel=channel, users=user)) == error


async def test_one_bad_id_fails_the_whole_call_unless_forced(
    web: AsyncWebClient, sb: SandboxClient, channel: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        await web.conversations_invite(channel=channel, users="U0ANA,U0ZED")
    assert caught.value.response["errors"] == [{"user": "U0ZED", "ok": False, "error": "user_not_found"}]
    assert (await sb.channel(channel))["members"] == ["U0MUSTER"]
    answer = await web.api_call(
        "conversations.invite", params={"channel": channel, "users": "U0ANA,U0ZED", "force": True}
    )
    assert (await sb.channel(channel))["members"] == ["U0MUSTER", "U0ANA"]
    assert answer["errors"][0]["user"] == "U0ZED"


async def test_inviting_twice_says_so(web: AsyncWebClient, refusal: Refusal, channel: str) -> None:
    await web.conversations_invite(channel=channel, users="U0ANA")
    assert await refusal(web.conversations_invite(channel=channel, users="U0ANA")) == "already_in_channel"


async def test_only_members_invite(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    outside = (await sb.change_channel("outside", create=True))["id"]
    assert await refusal(web.conversations_invite(channel=outside, users="U0BEN")) == "not_in_channel"
    assert (await web.conversations_join(channel=outside))["ok"]
    await web.conversations_invite(channel=outside, users="U0BEN")
    assert (await web.conversations_members(channel=outside))["members"] == ["U0ANA", "U0MUSTER", "U0BEN"]


async def test_direct_messages_open_once(web: AsyncWebClient, refusal: Refusal) -> None:
    first = (await web.conversations_open(users="U0ANA"))["channel"]["id"]
    assert (await web.conversations_open(users=["U0ANA"]))["channel"]["id"] == first
    assert await refusal(web.conversations_open(users="U0ZED")) == "user_disabled"
