"""What Slack sends to the app, by Socket Mode or by signed HTTP, and the record of how the app answered.

Belongs here: contract A1, A3, A4, A5: envelopes, signatures, form encoding, time limits, retries of events. Who pressed
what is ``people.py``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.outgoing import Outgoing
from bot.sandbox.slack.socket import NoConnection
from bot.sandbox.world import SIGNING_SECRET

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


# Planned failures of a delivery, with the reason Slack would see (contract A4).
NOTHING_SENT = {"reset": "connection_failed", "timeout_before": "http_timeout"}
ANSWER_LOST = {"timeout_after": "http_timeout", "close_after": "connection_failed"}


@dataclass
class Attempt:
    """One sending. ``status`` 200 also for a Socket Mode answer; None when none came. ``error`` is Slack's reason."""

    at: float
    status: int | None = None
    body: Any = None
    latency_ms: float | None = None
    error: str | None = None


@dataclass
class Forgery:
    """How a replayed HTTP delivery differs: seconds of time shift, another secret, or a signature as it stands."""

    shift: float = 0.0
    secret: str = SIGNING_SECRET
    signature: str | None = None


@dataclass
class Delivery:
    id: str
    kind: str  # slash_commands | interactive | events_api
    payload: dict[str, Any]
    user: str | None = None
    mode: str = "socket"
    attempts: list[Attempt] = field(default_factory=list)
    done: bool = False
    copy_of: str | None = None
    trouble: str | None = None  # a planned failure of the first attempt: nothing sent, or the answer lost

    @property
    def ack(self) -> Attempt | None:
        """The attempt that was acknowledged (status 2xx), if one was."""
        return next((a for a in self.attempts if a.status is not None and 200 <= a.status < 300), None)

    def as_dict(self) -> dict[str, Any]:
        ack = self.ack
        return asdict(self) | {"acked": ack is not None, "latency_ms": ack.latency_ms if ack else None}


def encoded(kind: str, payload: dict[str, Any]) -> tuple[bytes, str]:
    """The HTTP body and content type: commands are forms, interactions a form field ``payload``, events JSON."""
    if kind == "slash_commands":
        return urlencode(payload).encode(), "application/x-www-form-urlencoded"
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    if kind == "interactive":
        return urlencode({"payload": text}).encode(), "application/x-www-form-urlencoded"
    return text.encode(), "application/json"


def signature(body: bytes, timestamp: str, secret: str = SIGNING_SECRET) -> str:
    """Contract A5: v0 over ``v0:{timestamp}:{raw body}``."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


class Deliveries(Outgoing):
    """Sends payloads to the app and keeps the answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.mode, self.url = "socket", ""
        self.sent: dict[str, Delivery] = {}

    def to(self, mode: str, url: str = "") -> None:
        """Where payloads go. Contract A6: with Socket Mode on, nothing is delivered over HTTP."""
        if mode not in ("socket", "http") or (mode == "http" and not url):
            raise ValueError("mode is socket, or http with a url")
        self.mode, self.url = mode, url

    async def deliver(self, kind: str, payload: dict[str, Any], user: str | None = None) -> Delivery:
        """Send once (twice under the fault duplicate_delivery) and wait for the answer. Commands and interactions."""
        delivery = self._new(kind, payload, user)
        fault = self.sandbox.faults.take("delivery", kind)
        await self._slow(kind)
        if fault is not None and fault.mode == "duplicate_delivery":
            twin = self._new(kind, payload, user, copy_of=delivery.id)
            await asyncio.gather(self._attempt(delivery), self._attempt(twin))
            twin.done = True
        else:
            delivery.trouble = fault.mode if fault is not None else None
            await self._attempt(delivery)
        delivery.done = True
        return delivery

    def event(self, payload: dict[str, Any]) -> Delivery:
        """Send an event with Slack's retries in the background (contract A4). Order between events is kept loosely."""
        delivery = self._new("events_api", payload, None)
        fault = self.sandbox.faults.take("delivery", "events_api")
        if fault is not None and fault.mode == "duplicate_delivery":
            self.start(self._with_retries(self._new("events_api", payload, None, copy_of=delivery.id)))
        elif fault is not None:
            delivery.trouble = fault.mode
        self.start(self._with_retries(delivery))
        return delivery

    async def again(self, delivery_id: str, mutate: dict[str, Any], forgery: Forgery | None = None) -> Delivery:
        """Replay a delivery, changed by ``mutate`` (dotted paths), with another time, secret or signature. KeyError."""
        old = self.sent[delivery_id]
        payload = json.loads(json.dumps(old.payload))
        for path, value in mutate.items():
            _set(payload, path.split("."), value)
        delivery = self._new(old.kind, payload, old.user, copy_of=old.id)
        await self._attempt(delivery, None, forgery)
        delivery.done = True
        return delivery

    async def _with_retries(self, delivery: Delivery) -> None:
        await self._slow("events_api")
        retry: tuple[int, str] | None = None
        delays = self.sandbox.settings.event_retry_seconds
        for number in range(len(delays) + 1):
            if number:
                await asyncio.sleep(delays[number - 1])
                retry = (number, delivery.attempts[-1].error or "unknown_error")
            headers = await self._attempt(delivery, retry)
            if delivery.ack or headers.get("x-slack-no-retry") == "1":  # contract A4
                break
        delivery.done = True

    async def _slow(self, kind: str) -> None:
        seconds = self.sandbox.faults.latency("delivery", kind)
        if seconds:
            await asyncio.sleep(seconds)

    def _new(self, kind: str, payload: dict[str, Any], user: str | None, copy_of: str | None = None) -> Delivery:
        delivery = Delivery(f"dl{len(self.sent) + 1}", kind, payload, user, self.mode, copy_of=copy_of)
        self.sent[delivery.id] = delivery
        return delivery

    async def _attempt(
        self, delivery: Delivery, retry: tuple[int, str] | None = None, forgery: Forgery | None = None
    ) -> dict[str, str]:
        attempt = Attempt(time.time())
        delivery.attempts.append(attempt)
        trouble, delivery.trouble = delivery.trouble, None
        if trouble in NOTHING_SENT:
            attempt.error = NOTHING_SENT[trouble]
            return {}
        begun, headers = time.monotonic(), {}
        try:
            if self.mode == "socket":
                attempt.body = await self.sandbox.socket.send(
                    delivery.kind, delivery.payload, retry, self.sandbox.settings.ack_seconds
                )
                attempt.status = 200
            else:
                headers = await self._post(delivery, attempt, retry, forgery or Forgery())
        except TimeoutError:
            attempt.error = "http_timeout"
        except (NoConnection, aiohttp.ClientError, OSError):
            attempt.error = "connection_failed"
        attempt.latency_ms = round((time.monotonic() - begun) * 1000, 3)
        if trouble in ANSWER_LOST:
            attempt.status, attempt.body, attempt.error = None, None, ANSWER_LOST[trouble]
        return headers

    async def _post(
        self, delivery: Delivery, attempt: Attempt, retry: tuple[int, str] | None, forgery: Forgery
    ) -> dict[str, str]:
        body, content_type = encoded(delivery.kind, delivery.payload)
        stamp = str(int(time.time() + forgery.shift))
        headers = {
            "Content-Type": content_type, "X-Slack-Request-Timestamp": stamp,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Signature": forgery.signature or signature(body, stamp, forgery.secret),
        }  # fmt: skip
        if retry is not None:
            headers |= {"x-slack-retry-num": str(retry[0]), "x-slack-retry-reason": retry[1]}
        limit = aiohttp.ClientTimeout(total=self.sandbox.settings.ack_seconds)
        async with self.session.post(self.url, data=body, headers=headers, timeout=limit) as response:
            raw = await response.text()
            attempt.status = response.status
            if not 200 <= response.status < 300:
                attempt.error = "http_error"
            try:
                attempt.body = json.loads(raw) if raw and response.content_type == "application/json" else raw or None
            except ValueError:
                attempt.body = raw
            return {k.lower(): v for k, v in response.headers.items()}


def _set(holder: Any, path: list[str], value: Any) -> None:
    """Set a value inside nested dicts and lists; numbers in the path index lists."""
    for part in path[:-1]:
        holder = holder[int(part)] if isinstance(holder, list) else holder.setdefault(part, {})
    if isinstance(holder, list):
        holder[int(path[-1])] = value
    elif value is None:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
