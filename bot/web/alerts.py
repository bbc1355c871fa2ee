"""What every door for alerts shares: their one shape in an ask, storing it, answering.

Belongs here: `hook`, `alert`, `Door`. Does not belong here: what one source's body looks like (alertmanager.py,
incoming.py, pagerduty.py), what becomes of alerts (commands/hooks/alerts.py).
Values of the ask: {source, group, more, alerts: [{fingerprint, title, state, at, url, page, service, severity,
labels}]}.
Labels and texts of alerts stand in the inbox as long as asks do, and are never part of an event's body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from bot.metrics import Metrics
from bot.store import NotStored, Store
from storage.inbox import Ask

log = structlog.get_logger(__name__)
Json = Mapping[str, Any]
MOST = 1000  # alerts of one call; what is more is counted
LABELS_MOST = 40


class Door:
    """Stores what came in and answers: 202 stored (or seen before), 503 not stored, so that the sender tries again."""

    def __init__(self, store: Store, metrics: Metrics, source: str) -> None:
        self._store = store
        self._metrics = metrics
        self._source = source

    async def take(self, ask: Ask) -> web.Response:
        """Store it."""
        try:
            fresh = await self._store.put(ask)
        except NotStored as error:
            log.error("alerts.not_stored", source=self._source, error=str(error))
            self._metrics.unstored.labels("webhook").inc()
            return web.Response(status=503)
        (self._metrics.received if fresh else self._metrics.repeats).labels("webhook").inc()
        return web.Response(status=202)

    def refuse(self, status: int, why: str) -> web.Response:
        """Turn it away, counted, without a word about secrets."""
        self._metrics.refused.labels(self._source, why).inc()
        log.warning("alerts.refused", source=self._source, why=why)
        return web.Response(status=status, text=f"refused: {why}")


def hook(source: str, key: str, group: str, alerts: Sequence[Json]) -> Ask:
    """The ask of one call. source: "alertmanager", "pagerduty" or a hook's name; key: the same over its repeats."""
    values = {
        "source": source,
        "group": text(group, 300),
        "alerts": list(alerts[:MOST]),
        "more": max(0, len(alerts) - MOST),
    }
    return Ask(
        key=key, kind="webhook", line="alerts", account_kind="webhook", account=source, via="webhook", values=values
    )


def alert(fingerprint: str, title: str, state: str, at: str, *, url: Any = "", page: str = "", labels: Any = None,
          service: Any = "", severity: Any = "") -> dict[str, Any]:  # fmt: skip
    """One alert in the one shape. at: ISO 8601, "" for now; state: firing or resolved."""
    known = (
        {text(k, 100): text(v, 200) for k, v in list(labels.items())[:LABELS_MOST]}
        if isinstance(labels, Mapping)
        else {}
    )
    return {
        "fingerprint": text(fingerprint, 300), "title": text(title, 300) or "An alert without a title", "state": state,
        "at": text(at, 40), "url": address(url), "page": text(page, 40), "labels": known,
        "service": text(service, 100) or known.get("service", ""),
        "severity": text(severity, 40) or known.get("severity", ""),
    }  # fmt: skip


def digest(*parts: str | bytes) -> str:
    """SHA-256 (hex) of parts, for keys."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part if isinstance(part, bytes) else part.encode("utf-8", "replace"))
        found.update(b"\0")
    return found.hexdigest()


def text(value: Any, most: int = 500) -> str:
    """One line the database can hold; "" for what is no text."""
    said = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    return " ".join(said.replace("\x00", "").encode("utf-8", "replace").decode().split())[:most]


def address(value: Any) -> str:
    """A web address that may stand in a link, or ""."""
    said = text(value, 2000)
    try:
        parts = urlsplit(said)
    except ValueError:
        return ""
    return said if parts.scheme in ("http", "https") and parts.netloc and not set("<>|\"'` ") & set(said) else ""
