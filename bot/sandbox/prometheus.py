"""The stand-in for Prometheus' HTTP API: answers the queries it was told the answers of, and the alerts that fired.

Belongs here: its answers and refusals. It evaluates no PromQL: a query nobody told it about has no data, as one of a
metric that does not exist; one with open brackets is refused, as there.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.faults import Fault
from bot.sandbox.host.game_day import waiting
from bot.sandbox.wire import Call

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

ALERT = re.compile(r"count_over_time\(ALERTS\{(.+)\}\[(\w+)\]\)")
RESTARTS = 'sum(changes(process_start_time_seconds{job="corporate-intel-api"}[15m]))'
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Prometheus:
    """``values``: query -> [(labels, value)]; ``history``: query -> [(age in seconds, value)].

    ``alerts``: name -> [(when it was seen firing, its labels)].
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.values: dict[str, list[tuple[dict[str, str], str]]] = {
            'sum(queue_depth{queue="webhooks"})': [({}, "0")],
            'sum(queue_depth{queue="webhooks-dlq"})': [({}, "0")],
            'max(job:error_ratio:rate5m{job="corporate-intel"})': [({}, "0")],
        }
        self.history: dict[str, list[tuple[float, str]]] = {}
        self.alerts: dict[str, list[tuple[float, dict[str, str]]]] = {}

    def routes(self, base: str) -> list[web.RouteDef]:
        return [web.route(verb, f"{base}/api/v1/{call}", self._handler(call))
                for call in ("query", "query_range") for verb in ("GET", "POST")]  # fmt: skip

    def change(self, asked: dict[str, Any]) -> dict[str, Any]:
        """{query, values: [[labels, value]] or value, history: [[age_s, value]]} or {alert, age_s, labels}."""
        if "alert" in asked:
            at = time.time() - float(asked.get("age_s") or 0)
            self.alerts.setdefault(str(asked["alert"]), []).append((at, dict(asked.get("labels") or {})))
        if "values" in asked:
            given = asked["values"]
            rows = given if isinstance(given, list) else [[{}, given]]
            self.values[str(asked["query"])] = [(dict(labels), str(value)) for labels, value in rows]
        if "history" in asked:
            self.history[str(asked["query"])] = [(float(age), str(value)) for age, value in asked["history"]]
        return {"queries": sorted({*self.values, *self.history}), "alerts": sorted(self.alerts)}

    def _handler(self, name: str) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            asked = {**request.query, **(await request.post())}

            async def answer(call: Call) -> web.StreamResponse:
                return self.sandbox.prometheus._answer(name, {key: str(value) for key, value in asked.items()})

            return await self.sandbox.wire.carry(request, "prometheus", name, asked, answer, refuse=_refuse)

        return handle

    def _answer(self, name: str, asked: dict[str, str]) -> web.StreamResponse:
        query = asked.get("query", "")
        if not query or any(query.count(a) != query.count(b) for a, b in ("()", "[]", "{}")):
            return _bad(f'invalid parameter "query": 1:{len(query)}: parse error: unexpected end of input')
        if name == "query":
            rows = [{"metric": labels, "value": [time.time(), value]} for labels, value in self._now(query)]
            return _good("vector", rows)
        if float(asked["end"]) < float(asked["start"]):
            return _bad("end timestamp must not be before start time")
        return _good("matrix", self._window(query, float(asked["start"]), float(asked["end"])))

    def _now(self, query: str) -> list[tuple[dict[str, str], str]]:
        depth = waiting(self.sandbox.hosts.by_name["staging"].machine, query)
        if depth is not None and query not in self.values:
            return [({}, depth)]
        match = ALERT.fullmatch(query)
        if match is None:
            return [({}, self._restarts())] if query == RESTARTS else self.values.get(query, [])
        wanted = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[1]))
        name, _ = wanted.pop("alertname"), wanted.pop("alertstate")
        since = time.time() - sum(int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)(ms|[smhdw])", match[2]))
        alerts = [*self.alerts.get(name, []), *(self._full() if name == "DiskSpaceLow" else [])]
        seen = [labels for at, labels in alerts if at >= since and wanted.items() <= labels.items()]
        return [({"alertname": name, "alertstate": "firing", **seen[0]}, str(len(seen)))] if seen else []

    def _full(self) -> list[tuple[float, dict[str, str]]]:
        """The alert about the disk of each host that was filled."""
        machines = {name: one.machine for name, one in self.sandbox.hosts.by_name.items()}
        return [(one.full_at, {"host": name}) for name, one in machines.items() if one.full_at is not None]

    def _restarts(self) -> str:
        """How often staging's API began anew of late."""
        api = self.sandbox.hosts.by_name["staging"].machine.containers["corporate-intel-api"]
        return str(int(time.time() - api.started_at < 900))

    def _window(self, query: str, start: float, end: float) -> list[dict[str, Any]]:
        now = time.time()
        points = [[now - age, value] for age, value in self.history.get(query, []) if start <= now - age <= end]
        if not points and query in self.values:
            points = [[start, self.values[query][0][1]], [end, self.values[query][0][1]]]
        return [{"metric": {}, "values": sorted(points)}] if points else []


def _good(kind: str, rows: list[Any]) -> web.StreamResponse:
    return web.json_response({"status": "success", "data": {"resultType": kind, "result": rows}})


def _bad(words: str) -> web.StreamResponse:
    return web.json_response({"status": "error", "errorType": "bad_data", "error": words}, status=400)


def _refuse(fault: Fault) -> web.StreamResponse:
    status = int(fault.mode) if fault.mode.isdigit() else 422
    said = {"status": "error", "errorType": "execution", "error": fault.mode.removeprefix("error:")}
    return web.json_response(said, status=status)
