"""Slack's response_url, stood in for: five uses, thirty minutes, ephemeral or in the channel."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from slack_bolt.async_app import AsyncApp

from bot.sandbox import SandboxClient


@pytest.fixture
async def url(app: AsyncApp, sb: SandboxClient) -> str:
    """The response_url of a command Ana typed."""

    @app.command("/incident")
    async def run(ack: Any) -> None:
        await ack()

    await sb.type("U0ANA", "#incidents", "/incident list")
    return str((await sb.deliveries())[0]["payload"]["response_url"])


async def test_five_uses(url: str, sb: SandboxClient) -> None:
    async with httpx.AsyncClient() as http:
        answers = [await http.post(url, json={"text": str(n)}) for n in range(6)]
    assert [a.status_code for a in answers] == [200] * 5 + [404]
    assert answers[5].text == "expired_url"
    assert [m.text for m in await sb.messages("#incidents", "U0ANA")] == ["0", "1", "2", "3", "4"]


async def test_thirty_minutes(url: str, sb: SandboxClient) -> None:
    await sb.age(1801)
    async with httpx.AsyncClient() as http:
        assert (await http.post(url, json={"text": "late"})).status_code == 404
    assert await sb.messages("#incidents", "U0ANA") == []


async def test_ephemeral_unless_in_channel_and_a_commands_answer_is_not_replaced(url: str, sb: SandboxClient) -> None:
    async with httpx.AsyncClient() as http:
        await http.post(url, json={"text": "mine"})
        await http.post(url, json={"text": "again", "replace_original": True})
        await http.post(url, json={"text": "all", "response_type": "in_channel"})
        assert (await http.post(url, json={"blocks": [{"type": "nope"}]})).status_code == 400
    assert [m.text for m in await sb.messages("#incidents", "U0ANA")] == ["mine", "again", "all"]
    assert [m.text for m in await sb.messages("#incidents", "U0BEN")] == ["all"]
