"""Asking Slack's client for an error code, and a small Bolt app on Socket Mode."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox

Refusal = Callable[[Awaitable[Any]], Awaitable[str]]


@pytest.fixture
def refusal() -> Refusal:
    async def code(call: Awaitable[Any]) -> str:
        with pytest.raises(SlackApiError) as caught:
            await call
        return str(caught.value.response["error"])

    return code


@pytest.fixture
async def app(web: AsyncWebClient, sandbox: Sandbox) -> AsyncIterator[AsyncApp]:
    """A Bolt app, connected; add listeners in the test."""
    bolt = AsyncApp(client=web)
    handler = AsyncSocketModeHandler(bolt, sandbox.env()["SLACK_APP_TOKEN"])
    await handler.connect_async()
    yield bolt
    await handler.close_async()
