"""How the stand-in delivers: signed HTTP, Socket Mode, acknowledgements, repeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web as aio
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, SandboxClient


@pytest.fixture
async def by_http(web: AsyncWebClient, sandbox: Sandbox, sb: SandboxClient) -> AsyncIterator[AsyncApp]:
    """A Bolt app behind signed HTTP; Bolt verifies every signature."""
    bolt = AsyncApp(client=web, signing_secret=sandbox.env()["SLACK_SIGNING_SECRET"])

    async def handle(request: aio.Request) -> aio.StreamResponse:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    server = aio.Application()
    server.router.add_post("/slack/events", handle)
    runner = aio.AppRunner(server)
    await runner.setup()
    await aio.TCPSite(runner, "127.0.0.1", 0).start()
    await sb.deliver_to("http", f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    yield bolt
    await runner.cleanup()


def listen(app: AsyncApp) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    @app.command("/incident")
    async def run(ack: Any, command: dict[str, Any]) -> None:
        seen.append(command)
        await ack(f"got {command['text']}")

    return seen


async def test_signed_http_reaches_bolt(by_http: AsyncApp, sb: SandboxClient) -> None:
    seen = listen(by_http)
    ack = await sb.type("U0ANA", "#incidents", "/incident declare sev1 \u00e5 & + %")
    assert (ack.acked, ack.status) == (True, 200)
    assert seen[0]["text"] == "declare sev1 \u00e5 &amp; + %"
    assert (await sb.messages("#incidents", "U0ANA"))[-1].text == "got declare sev1 \u00e5 &amp; + %"


async def test_forged_and_stale_requests_are_refused_by_bolt_and_replays_are_not(
    by_http: AsyncApp, sb: SandboxClient
) -> None:
    seen = listen(by_http)
    first = await sb.type("U0ANA", "#incidents", "/incident list")
    assert first.delivery is not None
    assert (await sb.redeliver(first.delivery, secret="wrong")).status == 401
    assert (await sb.redeliver(first.delivery, timestamp_shift=-301)).status == 401
    assert (await sb.redeliver(first.delivery, signature="v0=00")).status == 401
    assert len(seen) == 1
    assert (await sb.redeliver(first.delivery, mutate={"user_id": "U0EVE"})).status == 200
    assert seen[1]["user_id"] == "U0EVE" and seen[1]["trigger_id"] == seen[0]["trigger_id"]


async def test_events_are_retried_with_their_number_and_reason(sb: SandboxClient) -> None:
    tries: list[tuple[str | None, str | None]] = []

    async def handle(request: aio.Request) -> aio.Response:
        tries.append((request.headers.get("x-slack-retry-num"), request.headers.get("x-slack-retry-reason")))
        return aio.Response(status=500 if len(tries) < 3 else 200)

    server = aio.Application()
    server.router.add_post("/", handle)
    runner = aio.AppRunner(server)
    await runner.setup()
    await aio.TCPSite(runner, "127.0.0.1", 0).start()
    await sb.settings(event_retry_seconds=[0.0, 0.05, 0.05])
    await sb.deliver_to("http", f"http://127.0.0.1:{runner.addresses[0][1]}/")
    await sb.type("U0ANA", "#incidents", "hello")

    async def done() -> Any:
        rows = await sb.deliveries("events_api")
        return rows[0] if rows and rows[0]["done"] else None

    delivery = await sb.wait_until(done)
    assert tries == [(None, None), ("1", "http_error"), ("2", "http_error")]
    assert [a["status"] for a in delivery["attempts"]] == [500, 500, 200]
    await runner.cleanup()


async def test_a_duplicate_delivery_is_the_same_payload_twice(app: AsyncApp, sb: SandboxClient) -> None:
    seen = listen(app)
    await sb.fail("delivery", "slash_commands", "duplicate_delivery")
    await sb.type("U0ANA", "#incidents", "/incident list")
    assert len(seen) == 2 and seen[0]["trigger_id"] == seen[1]["trigger_id"]


async def test_each_payload_goes_to_one_of_several_connections(
    web: AsyncWebClient, sandbox: Sandbox, sb: SandboxClient
) -> None:
    heard = []
    handlers = []
    for _ in range(2):
        bolt = AsyncApp(client=web)
        heard.append(listen(bolt))
        handlers.append(AsyncSocketModeHandler(bolt, sandbox.env()["SLACK_APP_TOKEN"]))
        await handlers[-1].connect_async()
    await asyncio.gather(*(sb.type("U0ANA", "#incidents", "/incident list") for _ in range(10)))
    assert [len(seen) for seen in heard] == [5, 5]
    for handler in handlers:
        await handler.close_async()


async def test_a_ticket_opens_one_connection(web: AsyncWebClient, sandbox: Sandbox) -> None:
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {sandbox.env()['SLACK_APP_TOKEN']}"}
        url = (await http.post(f"{sandbox.url}/api/apps.connections.open", headers=headers)).json()["url"]
    session = web.session
    assert session is not None
    line = await session.ws_connect(url)
    hello = await line.receive_json()
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    with pytest.raises(Exception, match="403"):
        await session.ws_connect(url)
    await line.close()


async def test_after_a_disconnect_the_app_comes_back(app: AsyncApp, sb: SandboxClient) -> None:
    listen(app)
    await sb.disconnect()

    async def works() -> bool | None:
        return (await sb.type("U0ANA", "#incidents", "/incident list")).acked

    await sb.wait_until(works)


async def test_two_hundred_commands_at_once_are_all_answered(app: AsyncApp, sb: SandboxClient) -> None:
    listen(app)
    acks = await sb.type_many([("U0ANA", "#incidents", f"/incident {n}") for n in range(200)])
    assert all(a.acked for a in acks)
    assert len({m.text for m in await sb.messages("#incidents", "U0ANA")}) == 200


async def test_a_lost_answer_brings_the_event_again_and_the_command_only_an_error(
    app: AsyncApp, sb: SandboxClient
) -> None:
    events: list[str] = []
    commands = listen(app)

    @app.event("message")
    async def said(body: dict[str, Any]) -> None:
        events.append(body["event_id"])

    await sb.settings(event_retry_seconds=[0.05])
    await sb.fail("delivery", "*", "timeout_after", times=2)
    await sb.type("U0ANA", "#incidents", "hello")

    async def twice() -> bool:
        return len(events) == 2

    await sb.wait_until(twice)
    assert events[0] == events[1]
    assert not (await sb.type("U0ANA", "#incidents", "/incident list")).acked
    assert len(commands) == 1


async def test_nothing_is_sent_when_the_line_breaks_before(app: AsyncApp, sb: SandboxClient) -> None:
    seen = listen(app)
    await sb.fail("delivery", "slash_commands", "reset")
    assert (await sb.type("U0ANA", "#incidents", "/incident list")).error == "connection_failed"
    assert seen == []
