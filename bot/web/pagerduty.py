"""`POST /webhooks/pagerduty`: what PagerDuty tells about our pages becomes a stored ask (contract C3).

Belongs here: the signature, what is kept of the body. Not: its meaning (commands/hooks/pagerduty.py).
Values of the ask: {event_type, occurred_at, agent: {id, type}, data: {id, incident_key, html_url}}; no names, no notes.
Of pages that are none of ours also title, service and urgency, for their triage card.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog
from aiohttp import web

from bot.metrics import Metrics
from bot.signatures import pagerduty_genuine
from bot.store import NotStored, Store
from storage.inbox import Ask

log = structlog.get_logger(__name__)
Json = Mapping[str, Any]


class PagerDutyDoor:
    """The handler. secrets: of every subscription that may call; without any, everything is refused."""

    def __init__(self, store: Store, metrics: Metrics, secrets: tuple[str, ...]) -> None:
        self._store = store
        self._metrics = metrics
        self._secrets = secrets

    async def http(self, request: web.Request) -> web.Response:
        """202 stored (or seen before), 401 unsigned, 400 unreadable, 503 not stored: PagerDuty tries that again."""
        body = await request.read()
        if not pagerduty_genuine(self._secrets, request.headers.get("X-PagerDuty-Signature", ""), body):
            return self._refuse(401, "signature")
        ask = read(body, request.headers.get("X-Webhook-Id", ""))
        if ask is None:
            return self._refuse(400, "unreadable")
        if not str(ask.values["event_type"]).startswith("incident."):
            self._metrics.ignored.labels("webhook").inc()
            return web.Response(status=202)
        try:
            fresh = await self._store.put(ask)
        except NotStored as error:
            log.error("pagerduty.not_stored", error=str(error))
            self._metrics.unstored.labels("webhook").inc()
            return web.Response(status=503)
        (self._metrics.received if fresh else self._metrics.repeats).labels("webhook").inc()
        return web.Response(status=202)

    def _refuse(self, status: int, why: str) -> web.Response:
        self._metrics.refused.labels("pagerduty", why).inc()
        log.warning("pagerduty.refused", why=why)
        return web.Response(status=status, text=f"refused: {why}")


def read(body: bytes, delivery: str) -> Ask | None:
    """The ask in a genuine body. Its key is the event's id, which stays the same over retries; else the delivery's."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    event = found.get("event") if isinstance(found, dict) else None
    if not isinstance(event, dict) or not event.get("event_type"):
        return None
    id = str(event.get("id") or delivery)
    return Ask(
        key=f"pagerduty:{id}", kind="webhook", line="pagerduty", account_kind="pagerduty", via="webhook",
        account=str(_map(event.get("agent")).get("id") or ""), values=_values(event),
    ) if id else None  # fmt: skip


def _values(event: Json) -> dict[str, Any]:
    data, agent = _map(event.get("data")), _map(event.get("agent"))
    incident = _map(data.get("incident")) or data  # annotated and responder events carry the incident inside
    return {
        "event_type": _text(event.get("event_type")),
        "occurred_at": _text(event.get("occurred_at")),
        "agent": {"id": _text(agent.get("id")), "type": _text(agent.get("type"))},
        "data": {name: _text(incident.get(name)) for name in ("id", "incident_key", "html_url")} | _foreign(incident),
    }


def _foreign(incident: Json) -> dict[str, str]:
    """Of a page that is none of ours, what a triage card says of it. Of our own nothing is kept but its key."""
    if not _text(incident.get("title")) or _text(incident.get("incident_key")).startswith("muster/"):
        return {}
    return {
        "title": _text(incident.get("title")), "service": _text(_map(incident.get("service")).get("summary")),
        "urgency": _text(incident.get("urgency")),
    }  # fmt: skip


def _map(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return str(value or "").replace("\x00", "")[:500]
