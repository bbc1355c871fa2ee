"""Events API v2: ``POST /v2/enqueue`` (contract C1)."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.faults import Fault
from bot.sandbox.wire import Call, retry_after

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

PER_MINUTE, SIZE_MAX = 120, 512 * 1024  # contract C1
SEVERITIES = ("critical", "error", "warning", "info")


def wrong(event: Any) -> list[str]:
    """What contract C1 refuses about an event; empty when it is fine."""
    if not isinstance(event, dict):
        return ["event must be an object"]
    found = []
    key = event.get("routing_key")
    if not isinstance(key, str) or len(key) != 32:
        found.append("'routing_key' is missing, blank or has an invalid length")
    action = event.get("event_action")
    if action not in ("trigger", "acknowledge", "resolve"):
        found.append("'event_action' must be one of trigger, acknowledge, resolve")
    if len(str(event.get("dedup_key") or "")) > 255:
        found.append("'dedup_key' must be at most 255 characters")
    if action in ("acknowledge", "resolve") and not event.get("dedup_key"):
        found.append("'dedup_key' is required for acknowledge and resolve")
    if action == "trigger":
        found += _wrong_payload(event.get("payload"))
    return found


def _wrong_payload(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    found = [f"'payload.{n}' is missing or blank" for n in ("summary", "source", "severity") if not payload.get(n)]
    if len(str(payload.get("summary") or "")) > 1024:
        found.append("'payload.summary' must be at most 1024 characters")
    if payload.get("severity") and payload["severity"] not in SEVERITIES:
        found.append(f"'payload.severity' must be one of {', '.join(SEVERITIES)}")
    if payload.get("timestamp"):
        try:
            datetime.fromisoformat(str(payload["timestamp"]))
        except ValueError:
            found.append("'payload.timestamp' is not ISO 8601")
    return found


class EventsApi:
    """Takes events; the incident appears a moment later, because 202 is not "incident exists" (contract C1)."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._tasks: set[asyncio.Task[None]] = set()

    async def enqueue(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            event = json.loads(raw)
        except ValueError:
            event = None

        async def answer(call: Call) -> web.StreamResponse:
            return self._answer(call, event, len(raw))

        return await self.sandbox.wire.carry(request, "pagerduty", "POST /v2/enqueue", event, answer, refuse=refuse)

    def _answer(self, call: Call, event: Any, size: int) -> web.Response:
        if size > SIZE_MAX:
            return web.json_response({"status": "invalid event", "message": "too large", "errors": []}, status=413)
        errors = wrong(event)
        if errors:
            call.error = errors[0]
            body = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return web.json_response(body, status=400)
        account = self.sandbox.pagerduty
        wait = self.sandbox.rates.window(f"events:{event['routing_key']}", PER_MINUTE)
        if wait:
            call.error = "ratelimited"
            return web.json_response({"status": "throttle exceeded", "message": "too many events"}, status=429)
        service = next((s for s in account.services.values() if s["key"] == event["routing_key"]), None)
        key = str(event.get("dedup_key") or uuid.uuid4().hex)
        if service is not None:
            task = asyncio.get_running_loop().create_task(self._process(event, key, service["id"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # A key of no service is swallowed: 202 all the same (contract C1: dropped silently).
        return web.json_response({"status": "success", "message": "Event processed", "dedup_key": key}, status=202)

    async def _process(self, event: dict[str, Any], key: str, service: str) -> None:
        await asyncio.sleep(self.sandbox.settings.pagerduty_delay)
        account = self.sandbox.pagerduty
        there = account.open_with(service, key)
        if event["event_action"] == "trigger":
            payload = event["payload"]
            if there is None:
                urgency = "low" if payload["severity"] in ("warning", "info") else "high"
                there = account.open(payload["summary"], key, service, urgency=urgency)
            there.alerts.append(payload)  # contract C1: the same dedup_key joins the open alert
        elif there is not None:
            account.change(there, {"acknowledge": "acknowledged", "resolve": "resolved"}[event["event_action"]], None)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def refuse(fault: Fault) -> web.StreamResponse:
    """A planned failure in PagerDuty's words."""
    status = int(fault.mode) if fault.mode.isdigit() else 400
    error = {
        "code": 2020 if status == 429 else 5000,
        "message": "Rate Limit Exceeded" if status == 429 else fault.mode.removeprefix("error:"),
    }
    headers = retry_after(fault) | {"ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "1"}
    return web.json_response({"error": error}, status=status, headers=headers if status == 429 else {})
