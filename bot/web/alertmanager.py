"""`POST /webhooks/alertmanager`: Prometheus' Alertmanager tells a group of alerts (webhook payload, version 4).

Belongs here: who may call, what is kept of the body. Not: what becomes of alerts (commands/hooks/alerts.py).
Alertmanager tells a group again and again; each call is stored once by what it says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.metrics import Metrics
from bot.signatures import token_genuine
from bot.store import Store
from bot.web.alerts import Door, alert, digest, hook, text
from storage.inbox import Ask

SOURCE = "alertmanager"
TITLES = ("summary", "title", "description", "message")


class AlertmanagerDoor(Door):
    """The handler. tokens: any of them opens it; without any, everything is refused."""

    def __init__(self, store: Store, metrics: Metrics, tokens: tuple[str, ...]) -> None:
        super().__init__(store, metrics, SOURCE)
        self._tokens = tokens

    async def http(self, request: web.Request) -> web.Response:
        """202 stored, 401 unknown, 400 unreadable, 503 not stored (Alertmanager tries that again)."""
        if not token_genuine(self._tokens, request.headers.get("Authorization", "")):
            return self.refuse(401, "token")
        ask = read(await request.read())
        return await self.take(ask) if ask else self.refuse(400, "unreadable")


def read(body: bytes) -> Ask | None:
    """The ask in a body of version 4; None for anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or str(found.get("version")) != "4" or not isinstance(found.get("alerts"), list):
        return None
    alerts = [_alert(one) for one in found["alerts"] if isinstance(one, dict)]
    if not alerts:
        return None
    group = text(found.get("groupKey"), 1000) or digest(*sorted(one["fingerprint"] for one in alerts))
    return hook(SOURCE, f"{SOURCE}:{digest(body)}", digest(group), alerts)


def _alert(given: Mapping[str, Any]) -> dict[str, Any]:
    labels = given["labels"] if isinstance(given.get("labels"), Mapping) else {}
    notes = given["annotations"] if isinstance(given.get("annotations"), Mapping) else {}
    resolved = given.get("status") == "resolved"
    said = next((text(notes.get(name)) for name in TITLES if text(notes.get(name))), "")
    named = text(labels.get("alertname"))
    print_ = text(given.get("fingerprint"), 100) or digest(json.dumps(labels, sort_keys=True, default=str))
    url = notes.get("runbook_url") or given.get("generatorURL")
    # The beginning names the occurrence, also when it ends: a late "firing" of it is known to be late.
    return alert(
        print_, f"{named}: {said}" if named and said else said or named, "resolved" if resolved else "firing",
        text(given.get("startsAt")), url=given.get("generatorURL") or url, labels=labels,
    )  # fmt: skip
