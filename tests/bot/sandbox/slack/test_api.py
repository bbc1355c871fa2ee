"""Slack's Web API, stood in for: tokens, scopes, arguments, rate limits, planned failures."""

from __future__ import annotations

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, SandboxClient


async def test_auth_test_answers_with_the_scopes_in_a_header(web: AsyncWebClient) -> None:
    answer = await web.auth_test()
    assert answer["user_id"] == "U0MUSTER"
    assert "chat:write" in answer.headers["X-OAuth-Scopes"]


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-other", "invalid_auth"), ("xapp-sandbox-muster", "not_allowed_token_type")],
)
async def test_wrong_tokens_are_refused(sandbox: Sandbox, token: str, error: str) -> None:
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        said = await http.post(f"{sandbox.url}/api/chat.postMessage", headers=headers, json={"channel": "x"})
    assert said.json() == {"ok": False, "error": error}


async def test_a_missing_scope_names_what_is_needed(web: AsyncWebClient, sb: SandboxClient) -> None:
    await sb.scopes(remove=["pins:write"])
    with pytest.raises(SlackApiError) as caught:
        await web.pins_add(channel="C0INCIDENTS", timestamp="1")
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "pins:write"
    assert "pins:write" not in caught.value.response["provided"].split(",")


async def test_an_unknown_method_is_refused(web: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="unknown_method"):
        await web.api_call("files.upload")


async def test_a_tier_two_method_answers_429_with_retry_after(web: AsyncWebClient, sb: SandboxClient) -> None:
    await sb.rate(1)
    for n in range(20):
        await web.conversations_create(name=f"inc-{n}")
    with pytest.raises(SlackApiError) as caught:
        await web.conversations_create(name="inc-20")
    assert caught.value.response.status_code == 429
    assert 50 <= int(caught.value.response.headers["Retry-After"]) <= 60
    assert not [c for c in await sb.channels() if c["name"] == "inc-20"]


async def test_posts_to_one_channel_are_slowed_to_one_a_second_and_others_are_not(
    web: AsyncWebClient, sb: SandboxClient
) -> None:
    await sb.rate(1)
    with pytest.raises(SlackApiError) as caught:
        for _ in range(25):
            await web.chat_postMessage(channel="C0INCIDENTS", text="x")
    assert caught.value.response.headers["Retry-After"] == "1"
    assert (await web.chat_postMessage(channel="C0GENERAL", text="x"))["ok"]


async def test_calls_are_recorded_without_tokens(web: AsyncWebClient, sb: SandboxClient) -> None:
    await web.chat_postMessage(channel="C0INCIDENTS", text="token is xoxb-secret-1", blocks=[{"type": "divider"}])
    call = (await sb.calls("slack", "chat.postMessage"))[0]
    assert call["arguments"]["text"] == "token is <redacted>"
    assert call["arguments"]["blocks"] == [{"type": "divider"}]
    assert (call["status"], call["effect"], call["error"]) == (200, True, None)


async def test_a_refused_call_has_no_effect_in_the_record(web: AsyncWebClient, sb: SandboxClient) -> None:
    with pytest.raises(SlackApiError):
        await web.chat_postMessage(channel="C0NOWHERE", text="x")
    call = (await sb.calls("slack"))[-1]
    assert (call["error"], call["effect"]) == ("channel_not_found", False)
