"""PagerDuty's own client, pointed at the sandbox; and a receiver of webhooks."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web as aio

from bot.sandbox import Sandbox, SandboxClient

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pdpyras says at import that it is at its end of life
    import pdpyras


@pytest.fixture
def events(sandbox: Sandbox) -> Any:
    env = sandbox.env()
    session = pdpyras.EventsAPISession(env["PAGERDUTY_ROUTING_KEY"])
    session.url = env["PAGERDUTY_EVENTS_URL"]
    yield session
    session.close()


@pytest.fixture
def rest(sandbox: Sandbox) -> Any:
    env = sandbox.env()
    session = pdpyras.APISession(env["PAGERDUTY_API_KEY"], default_from="muster@example.com")
    session.url = env["PAGERDUTY_API_URL"]
    yield session
    session.close()


class Receiver:
    """Answers webhooks with the next of ``statuses`` (then 202) and keeps them."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    async def handle(self, request: aio.Request) -> aio.Response:
        self.got.append((dict(request.headers), await request.read()))
        return aio.Response(status=self.statuses.pop(0) if self.statuses else 202)


@pytest.fixture
async def receiver(sb: SandboxClient) -> AsyncIterator[Receiver]:
    receiver, app = Receiver(), aio.Application()
    app.router.add_post("/webhooks/pagerduty", receiver.handle)
    runner = aio.AppRunner(app)
    await runner.setup()
    await aio.TCPSite(runner, "127.0.0.1", 0).start()
    await sb.deliver_to(pagerduty_url=f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/pagerduty")
    yield receiver
    await runner.cleanup()
