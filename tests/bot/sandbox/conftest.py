"""A sandbox per test, its client, and Slack's own client pointed at it. Rate limits are off unless a test turns them on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, SandboxClient


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate_factor=0) as running:
        yield running


@pytest.fixture
async def sb(sandbox: Sandbox) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(sandbox.url) as client:
        yield client


@pytest.fixture
async def web(sandbox: Sandbox) -> AsyncIterator[AsyncWebClient]:
    env = sandbox.env()
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(env["SLACK_BOT_TOKEN"], base_url=env["SLACK_API_URL"], session=session, retry_handlers=[])


INCIDENTS, GENERAL = "C0INCIDENTS", "C0GENERAL"
