"""What every stand-in shares on the wire: planned failures, time-outs after the effect, requests on record."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.client import Refused

HERE = "C0INCIDENTS"


async def texts(sb: SandboxClient) -> list[str]:
    return [m.text for m in await sb.messages("#incidents")]


@pytest.mark.parametrize("mode", ["429", "500", "503", "missing_scope", "error:fatal_error"])
async def test_refusals_have_no_effect_and_end(web: AsyncWebClient, sb: SandboxClient, mode: str) -> None:
    await sb.fail("slack", "chat.postMessage", mode, times=2, retry_after=9)
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            await web.chat_postMessage(channel=HERE, text="x")
        if mode == "429":
            assert caught.value.response.headers["Retry-After"] == "9"
        elif not mode.isdigit():
            assert caught.value.response["error"] == mode.removeprefix("error:")
    assert await texts(sb) == []
    await web.chat_postMessage(channel=HERE, text="y")
    assert await texts(sb) == ["y"]


@pytest.mark.parametrize(("mode", "effect"), [("reset", False), ("close_after", True)])
async def test_a_cut_line_with_and_without_effect(
    web: AsyncWebClient, sb: SandboxClient, mode: str, effect: bool
) -> None:
    await sb.fail("slack", "chat.postMessage", mode)
    with pytest.raises(aiohttp.ClientError):
        await web.chat_postMessage(channel=HERE, text="x")
    assert await texts(sb) == (["x"] if effect else [])
    call = (await sb.calls("slack", "chat.postMessage"))[0]
    assert (call["effect"], call["fault"], call["status"]) == (effect, mode, None)


@pytest.mark.parametrize(("mode", "effect"), [("timeout_before", False), ("timeout_after", True)])
async def test_a_hang_with_and_without_effect_ends_with_the_sandbox(mode: str, effect: bool) -> None:
    sandbox = Sandbox(rate_factor=0)
    await sandbox.start()
    async with SandboxClient(sandbox.url) as sb, aiohttp.ClientSession() as session:
        await sb.fail("slack", "chat.postMessage", mode)
        web = AsyncWebClient("xoxb-sandbox-muster", base_url=f"{sandbox.url}/api/", session=session, retry_handlers=[])
        call = asyncio.create_task(web.chat_postMessage(channel=HERE, text="x"))
        await sb.wait_until(lambda: sb.calls("slack", "chat.postMessage"))
        if effect:
            await sb.wait_until(lambda: texts(sb))
        assert not call.done()
        assert await texts(sb) == (["x"] if effect else [])
        begun = time.monotonic()
        await sandbox.stop()
        assert time.monotonic() - begun < 20
        with pytest.raises(aiohttp.ClientError):
            await call


async def test_latency_is_added_until_it_is_taken_away(web: AsyncWebClient, sb: SandboxClient) -> None:
    async def took() -> float:
        begun = time.monotonic()
        await web.auth_test()
        return time.monotonic() - begun

    await sb.latency("slack", 0.2)
    assert await took() > 0.19
    await sb.latency("slack", 0.0)
    assert await took() < 0.1
    await sb.latency("slack", 60.0)
    slow = asyncio.create_task(took())
    await sb.wait_until(lambda: sb.calls("slack", "auth.test", since=2))
    assert not slow.done()
    await sb.latency("slack", 0.0)
    assert await slow < 30, "what waits goes on as well"


async def test_after_lets_some_pass_first(web: AsyncWebClient, sb: SandboxClient) -> None:
    await sb.fail("slack", "auth.test", "500", after=2)
    results: list[Any] = []
    for _ in range(4):
        try:
            results.append((await web.auth_test())["ok"])
        except SlackApiError as error:
            results.append(error.response.status_code)
    assert results == [True, True, 500, True]


async def test_unknown_faults_are_refused(sb: SandboxClient) -> None:
    with pytest.raises(Refused, match="no mode"):
        await sb.fail("slack", "*", "explode")
    with pytest.raises(Refused, match="no service"):
        await sb.fail("fax", "*", "500")
