"""Webhooks v3: signed, repeated until answered, at least once (contract C3)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.sandbox.outgoing import Outgoing
from bot.sandbox.pagerduty.account import WEBHOOK_SECRET, iso

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


def signature(body: bytes, secret: str = WEBHOOK_SECRET) -> str:
    """Contract C3: HMAC-SHA256 of the raw body."""
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Hook:
    """One event and how its sending went. ``statuses`` holds an HTTP status, or 0 for no answer, per attempt."""

    id: str
    event_type: str
    body: str
    statuses: list[int] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    outcome: str = "waiting"  # delivered | dropped | given up | not configured


class Webhooks(Outgoing):
    """The webhook subscription of one account; silent until given an address."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.url = ""
        self.sent: list[Hook] = []
        self._last: dict[str, asyncio.Task[None]] = {}

    def emit(self, what: str, data: dict[str, Any], incident_id: str, agent: dict[str, Any] | None) -> Hook:
        """Send ``incident.<what>`` in the background, after the earlier events of the same incident (contract C3)."""
        event: dict[str, Any] = {
            "id": uuid.uuid4().hex[:26].upper(), "event_type": f"incident.{what}", "resource_type": "incident",
            "occurred_at": iso(), "agent": agent, "client": None, "data": data,
        }  # fmt: skip
        hook = Hook(str(uuid.uuid4()), event["event_type"], json.dumps({"event": event}))
        self.sent.append(hook)
        if not self.url:
            hook.outcome = "not configured"
            return hook
        task = self.start(self._in_order(hook, self._last.get(incident_id)))
        self._last[incident_id] = task
        fault = self.sandbox.faults.take("delivery", "pagerduty")
        if fault is not None and fault.mode == "duplicate_delivery":
            self.start(self._in_order(hook, task))
        return hook

    async def again(self, hook_id: str, secret: str = WEBHOOK_SECRET, body: str | None = None) -> int:
        """Send one event again (a replay, or forged with another secret or body). Returns the status, 0 for none."""
        hook = next(h for h in self.sent if h.id == hook_id)
        return await self._post(Hook(hook.id, hook.event_type, body or hook.body), secret)

    async def _in_order(self, hook: Hook, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        for delay in [0.0, *self.sandbox.settings.webhook_retry_seconds]:
            await asyncio.sleep(delay)
            status = await self._post(hook, WEBHOOK_SECRET)
            if 200 <= status < 300:
                hook.outcome = "delivered"
                return
            if 400 <= status < 500 and status != 429:
                hook.outcome = "dropped"  # contract C3: other 4xx are dropped at once
                return
        hook.outcome = "given up"

    async def _post(self, hook: Hook, secret: str) -> int:
        body = hook.body.encode()
        headers = {
            "Content-Type": "application/json", "X-PagerDuty-Signature": signature(body, secret),
            "X-Webhook-Id": hook.id, "X-Webhook-Subscription": "PSUBMUSTER", "User-Agent": "PagerDuty-Webhook/V3.0",
        }  # fmt: skip
        limit = aiohttp.ClientTimeout(total=self.sandbox.settings.webhook_answer_seconds)
        begun, status = time.monotonic(), 0
        try:
            async with self.session.post(self.url, data=body, headers=headers, timeout=limit) as response:
                await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = 0
        hook.statuses.append(status)
        hook.latencies_ms.append(round((time.monotonic() - begun) * 1000, 3))
        return status

    def as_list(self) -> list[dict[str, Any]]:
        return [asdict(h) | {"body": json.loads(h.body)} for h in self.sent]
