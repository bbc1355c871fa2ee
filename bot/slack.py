"""Slack's door: verify, understand, store, acknowledge. Signed HTTP and Socket Mode end in the same `receive`.

Belongs here: slack-bolt (its only importer in product code), what is answered inside the acknowledgement. Does not
belong here: parsing payloads (normalise.py), storing (store.py), modals (questions.py), handling (worker.py).

Bolt carries Socket Mode. Its own listeners cost 10 ms of polling each (contract B2), so everything is answered in
`before_authorize`, before it would call auth.test. Signed HTTP calls `receive` itself, for the traps of contract B3.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.metrics import Metrics
from bot.normalise import Inbound, normalise
from bot.questions import Questions
from bot.signatures import slack_refusal
from bot.store import NotStored, Store
from playbooks.connectors.slack_calls import proxy_for
from playbooks.policy_ways_in import Capture
from storage.inbox import Ask

log = structlog.get_logger(__name__)
Json = Mapping[str, Any]


def quiet_logger() -> logging.Logger:
    """Bolt and the SDK log whole requests and ticket addresses; we say ourselves what happened."""
    logger = logging.getLogger("muster.slack-sdk")
    logger.setLevel(logging.CRITICAL)
    return logger


class _Receive(AsyncMiddleware):
    """Bolt's middleware that answers everything: no request goes further into Bolt."""

    def __init__(self, receive: Callable[[Json], Awaitable[BoltResponse]]) -> None:
        self._receive = receive

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        return await self._receive(req.body)


class SlackDoor:
    """One app's door. `bolt` is what Socket Mode connects to; `http` is the aiohttp handler of `/slack/events`.

    app_id: payloads of other apps are turned away; "" accepts any that is genuinely signed.
    capture: which pins and reactions matter.
    instead: for an ask that the database did not take, the words and whether it is done blind all the same.
    """

    def __init__(
        self,
        store: Store,
        questions: Questions,
        metrics: Metrics,
        *,
        client: AsyncWebClient,
        signing_secret: str,
        instead: Callable[[Ask], Awaitable[tuple[str, bool]]],
        app_id: str = "",
        capture: Capture | None = None,
    ) -> None:
        self._store = store
        self._questions = questions
        self._metrics = metrics
        self._secret = signing_secret
        self._instead = instead
        self._app_id = app_id
        self._capture = capture or Capture()
        self.bolt = AsyncApp(
            client=client,
            logger=quiet_logger(),
            signing_secret=signing_secret,
            before_authorize=_Receive(self.receive),
            request_verification_enabled=False,
            ssl_check_enabled=False,
        )
        self.bolt.error(self._failed)

    async def http(self, request: web.Request) -> web.Response:
        """POST /slack/events. 401 for what Slack did not sign, 400 for what cannot be read."""
        body = await request.read()
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        why = slack_refusal(self._secret, stamp, request.headers.get("X-Slack-Signature", ""), body)
        if why:
            return self._turn_away(401, why)
        payload = parse_body(request.content_type, body)
        if payload is None:
            return self._turn_away(400, "unreadable")
        # Not through Bolt's dispatch: it builds a Web API client for each request, and its form parser loses commands
        # that contain the word "payload" (contract B1, B3).
        answer = await self.receive(payload)
        kind = "application/json" if answer.body.startswith("{") else "text/plain"
        return web.Response(status=answer.status, text=answer.body, content_type=kind)

    def _turn_away(self, status: int, why: str) -> web.Response:
        self._metrics.refused.labels("slack", why).inc()
        log.warning("slack.refused", why=why)
        return web.Response(status=status, text=f"refused: {why}")

    async def _failed(self, error: Exception) -> BoltResponse:
        """A fault of ours. Slack tells the person that the command failed; events come again."""
        log.error("slack.receive_failed", error=type(error).__name__, exc_info=error)
        self._metrics.refused.labels("slack", "fault").inc()
        return BoltResponse(status=500, body="")

    async def receive(self, payload: Json) -> BoltResponse:
        """Any genuine payload -> its acknowledgement. Waits for our own database and for nothing else."""
        begun = perf_counter()
        inbound = normalise(payload)
        if self._app_id and payload.get("api_app_id") not in (None, self._app_id):
            self._metrics.refused.labels("slack", "app").inc()
            return BoltResponse(status=401, body="refused: another app")
        if inbound.ask is not None:  # before anything is logged, answered or written
            inbound = replace(inbound, ask=self._store.codes.take_out(inbound.ask))
        answer = await self._answer(inbound)
        self._metrics.ack.labels(inbound.kind).observe(perf_counter() - begun)
        return answer

    async def _answer(self, inbound: Inbound) -> BoltResponse:
        if inbound.what == "ignore" or inbound.ask is None or not self._marks(inbound.ask):
            self._metrics.ignored.labels(inbound.kind).inc()
            return BoltResponse(status=200, body={"challenge": inbound.challenge} if inbound.challenge else "")
        if inbound.what == "question" and await self._questions.take(inbound):
            return BoltResponse(status=200)
        if inbound.what == "form" and (errors := await self._errors(inbound, inbound.ask)):
            return BoltResponse(status=200, body={"response_action": "errors", "errors": errors})
        if inbound.what == "form" and (view := await self._questions.next(inbound.ask)):
            return BoltResponse(status=200, body={"response_action": "update", "view": view})
        try:
            fresh = await self._store.put(inbound.ask)
        except NotStored as error:
            return await self._not_stored(inbound, error)
        (self._metrics.received if fresh else self._metrics.repeats).labels(inbound.ask.kind).inc()
        return BoltResponse(status=200)

    def _marks(self, ask: Ask) -> bool:
        """Whether a pin or a reaction is one that policy captures by; all other asks are. Most are no news at all."""
        kind = str(ask.values.get("event_type") or "") if ask.kind == "event" else ""
        if kind.startswith("pin_"):
            return self._capture.pins
        if kind.startswith("reaction_"):
            name = str(ask.values.get("reaction") or "").partition("::")[0]  # whatever its skin tone
            return bool(name) and name == self._capture.reaction
        return True

    async def _errors(self, inbound: Inbound, ask: Ask) -> dict[str, str]:
        """What is wrong in a form: block id -> words."""
        codes = {inbound.blocks.get(name, ""): words for name, words in self._store.codes.errors(ask).items()}
        return {**await self._questions.errors(inbound), **{block: words for block, words in codes.items() if block}}

    async def _not_stored(self, inbound: Inbound, error: NotStored) -> BoltResponse:
        """Never acknowledge in silence what is not stored: say so in the way this kind of payload allows."""
        ask = inbound.ask
        assert ask is not None
        log.error("slack.not_stored", kind=ask.kind, error=str(error))
        self._metrics.unstored.labels(ask.kind).inc()
        words, blind = await self._instead(ask)
        if ask.kind == "command" and inbound.kind == "command":
            return BoltResponse(status=200, body={"response_type": "ephemeral", "text": words})
        if ask.kind == "form" and inbound.blocks and not blind:
            block = next(iter(inbound.blocks.values()))
            return BoltResponse(status=200, body={"response_action": "errors", "errors": {block: words[:2000]}})
        if ask.response_url:
            self._questions.tell(ask.response_url, words)
            return BoltResponse(status=200)
        if blind:
            return BoltResponse(status=200)  # how it went is told by another route
        return BoltResponse(status=503)  # an event comes again (contract A4); a shortcut is shown as failed


def parse_body(content_type: str, body: bytes) -> dict[str, Any] | None:
    """The payload of an HTTP body: JSON, the form field `payload`, or the form (contract A1, A3, A4); else None."""
    try:
        text = body.decode("utf-8")
        if content_type == "application/json":
            found = json.loads(text)
        else:
            form = {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
            found = json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None


class SocketMode:
    """Keeps one Socket Mode connection open. A watchdog builds a new one when it has been down for `down_s`.

    Left alone the SDK tries a spent ticket again for ever (contract B4). up: set while it is connected.
    """

    def __init__(
        self, door: SlackDoor, app_token: str, api_url: str, metrics: Metrics, *, down_s: float = 15.0
    ) -> None:
        self._door = door
        self._app_token = app_token
        self._api_url = api_url
        self._metrics = metrics
        self._down_s = down_s
        self._task: asyncio.Task[None] | None = None
        self.up = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether Slack can deliver here now."""
        return self.up.is_set()

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._task = asyncio.create_task(self._keep(), name="socket mode")

    async def stop(self) -> None:
        """Disconnect: Slack delivers elsewhere from here on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._connected(False)

    async def _keep(self) -> None:
        while True:
            handler = AsyncSocketModeHandler(self._door.bolt, self._app_token, logger=quiet_logger(), ping_interval=5)
            handler.client.proxy = proxy_for(self._api_url)  # the SDK would send loopback through a proxy too
            connecting = asyncio.create_task(handler.connect_async())  # type: ignore[no-untyped-call]
            try:
                await self._watch(handler)
            finally:
                connecting.cancel()
                self._connected(False)
                closing = handler.close_async()  # type: ignore[no-untyped-call]
                await asyncio.gather(connecting, closing, return_exceptions=True)
            log.warning("slack.socket_rebuilt", down_s=self._down_s)

    async def _watch(self, handler: AsyncSocketModeHandler) -> None:
        """Return when it has been down too long."""
        last = time.monotonic()
        while time.monotonic() - last < self._down_s:
            up = await handler.client.is_connected()
            self._connected(up)
            if up:
                last = time.monotonic()
            await asyncio.sleep(1.0 if up else 0.02)

    def _connected(self, up: bool) -> None:
        if up != self.connected:
            log.info("slack.socket", connected=up)
        if up:
            self.up.set()
        else:
            self.up.clear()
        self._metrics.socket.set(up)
