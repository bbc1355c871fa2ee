"""`POST /webhooks/in/{name}`: anything else that can sign a call tells an alert, or several.

Belongs here: the signature (bot/signatures.py says how), what is kept of the body. Not: what becomes of alerts.
Body: {key, title, status: firing | resolved, at, url, service, severity, labels: {}, group}, or {alerts: [those]}.
`key` names the alert, the same each time; all but `key` and `title` may be left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from bot.metrics import Metrics
from bot.signatures import hook_refusal
from bot.store import Store
from bot.web.alerts import Door, alert, digest, hook, text
from storage.inbox import Ask

RESOLVED = ("resolved", "ok", "closed", "recovered")


class IncomingDoor(Door):
    """The handler. secrets: "name:secret", several of one name while one is replaced."""

    def __init__(self, store: Store, metrics: Metrics, secrets: Iterable[SecretStr]) -> None:
        super().__init__(store, metrics, "in")
        self._secrets: dict[str, tuple[str, ...]] = {}
        for one in secrets:
            name, _, secret = one.get_secret_value().partition(":")
            self._secrets[name] = (*self._secrets.get(name, ()), secret)

    async def http(self, request: web.Request) -> web.Response:
        """202 stored, 401 unsigned or no such hook, 400 unreadable, 503 not stored."""
        name, body = request.match_info["name"], await request.read()
        stamp = request.headers.get("X-Muster-Timestamp", "")
        secrets = self._secrets.get(name, ())
        if why := hook_refusal(secrets, stamp, request.headers.get("X-Muster-Signature", ""), body):
            return self.refuse(401, why)
        ask = read(name, body, stamp)
        return await self.take(ask) if ask else self.refuse(400, "unreadable")


def read(name: str, body: bytes, stamp: str = "") -> Ask | None:
    """The ask in a genuine body; None for what names no alert."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    given = found.get("alerts", [found]) if isinstance(found, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        return None
    alerts = [_alert(one) for one in given if text(one.get("key")) and text(one.get("title"))]
    if not alerts or len(alerts) != len(given):
        return None
    group = text(found.get("group"), 300) or alerts[0]["fingerprint"]
    return hook(name, f"in:{name}:{digest(stamp, body)}", digest(group), alerts)


def _alert(given: Mapping[str, Any]) -> dict[str, Any]:
    state = "resolved" if text(given.get("status")).lower() in RESOLVED else "firing"
    return alert(
        text(given.get("key"), 300), text(given.get("title")), state, text(given.get("at")), url=given.get("url"),
        labels=given.get("labels"), service=given.get("service"), severity=given.get("severity"),
    )  # fmt: skip
