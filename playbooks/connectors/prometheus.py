"""Prometheus: what a query says now or said over a window, by its HTTP API over httpx. Reads only.

Belongs here: asking, and what its answers mean. Does not belong here: what a value should be (the actions say that).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from playbooks.connectors.answers import (
    CONNECT_S,
    READ_S,
    ServiceRefused,
    is_loopback,
    no_answer,
    retry_after,
    short,
    too_many,
)
from playbooks.connectors.http import sent, trusted
from playbooks.errors import NotConfigured

POINTS = 200  # of a window, at most


@dataclass(frozen=True)
class Series:
    """One series. labels: what names it; values: (unix time, value), oldest first. NaN is left out: it says nothing."""

    labels: Mapping[str, str]
    values: tuple[tuple[float, float], ...]

    @property
    def name(self) -> str:
        """Its labels in one line, "" for a query without any."""
        return ", ".join(f"{key}={value}" for key, value in sorted(self.labels.items()) if key != "__name__")


class PrometheusReads:
    """What can be asked. url: where, unless a call names another; token: sent as Bearer, to that address only."""

    vendor = "Prometheus"
    acting = False

    def __init__(
        self, url: str = "", token: str = "", *, connect_timeout: float = CONNECT_S, read_timeout: float = READ_S
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout = httpx.Timeout(read_timeout, connect=connect_timeout)
        self._deadline_s = connect_timeout + read_timeout
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def now(self, query: str, *, url: str = "") -> list[Series]:
        """What a query says now: one value a series."""
        return _series(await self._ask("query", {"query": query}, url))

    async def window(self, query: str, *, until: datetime, seconds: float, url: str = "") -> list[Series]:
        """What a query said over the last seconds, in at most POINTS steps."""
        end = until.timestamp()
        step = max(1.0, seconds / POINTS)
        asked = {"query": query, "start": f"{end - seconds:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return _series(await self._ask("query_range", asked, url))

    async def _ask(self, call: str, asked: Mapping[str, str], url: str) -> Any:
        """POST, as Prometheus recommends for queries of any length; it changes nothing there."""
        base = (url or self._url).rstrip("/")
        if not base:
            raise NotConfigured("Prometheus has no address.", todo="Set PROMETHEUS_URL, or `prometheus` of the site.")
        ours = self._token and _origin(base) == _origin(self._url)
        headers = {"Authorization": f"Bearer {self._token}"} if ours else {}
        proxies = not is_loopback(base)
        if proxies not in self._clients:
            self._clients[proxies] = httpx.AsyncClient(verify=trusted(), timeout=self._timeout, trust_env=proxies)
        request = self._clients[proxies].post(f"{base}/api/v1/{call}", data=dict(asked), headers=headers)
        answer = await sent(self.vendor, call, request, write=False, deadline_s=self._deadline_s)
        return self._read(call, answer)

    def _read(self, call: str, answer: httpx.Response) -> Any:
        status = answer.status_code
        if status == 429:
            raise too_many(self.vendor, call, status, retry_after(answer.headers))
        try:
            said = answer.json()
        except ValueError:
            said = {}
        if status in (400, 422):
            words = short(str(said.get("error") or answer.text))
            raise ServiceRefused(self.vendor, str(status), f"Prometheus cannot answer this query: {words}")
        if status in (401, 403, 404):
            words = f"Prometheus refused {call}: {status}."
            raise ServiceRefused(self.vendor, str(status), words, todo="Check its address and PROMETHEUS_TOKEN.")
        if status != 200 or said.get("status") != "success":
            raise no_answer(self.vendor, call, f"status {status}", write=False)
        return said.get("data") or {}


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _series(data: Any) -> list[Series]:
    kind, rows = data.get("resultType"), data.get("result") or []
    if kind == "scalar":
        rows = [{"metric": {}, "value": rows}]
    elif kind not in ("vector", "matrix"):
        return []
    return [Series(row.get("metric") or {}, _points(row.get("values") or [row.get("value")])) for row in rows]


def _points(raw: list[Any]) -> tuple[tuple[float, float], ...]:
    pairs = [(float(at), float(value)) for at, value in (one for one in raw if one)]
    return tuple(pair for pair in pairs if not math.isnan(pair[1]))
