"""What may go wrong on purpose: one table of faults for all services, and added latency.

Belongs here: which fault hits which request. Does not belong here: how a request fails (``wire.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PLAIN_MODES = (
    "429", "500", "502", "503", "504", "reset", "timeout_before", "timeout_after", "close_after", "missing_scope",
    "name_taken", "duplicate_delivery",
)  # fmt: skip
SERVICES = (
    "slack", "pagerduty", "statuspage", "aws", "kubernetes", "http", "host", "mail", "jira", "prometheus", "postgres",
    "redis", "dns", "delivery",
)  # fmt: skip


@dataclass
class Fault:
    """One planned failure. ``times`` counts down; -1 means until cleared. ``after`` lets that many requests pass."""

    service: str
    method: str
    mode: str
    times: int = 1
    retry_after: float | None = None
    after: int = 0

    def fits(self, service: str, method: str) -> bool:
        return self.service in ("*", service) and self.method in ("*", method)

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


class Faults:
    """The planned failures and latencies of one sandbox."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []
        self.latencies: dict[tuple[str, str], float] = {}

    def plan(self, asked: dict[str, Any]) -> Fault:
        """Add a fault from its JSON form. Raises ValueError for an unknown service or mode."""
        service, mode = str(asked.get("service", "")), str(asked.get("mode", ""))
        if service not in (*SERVICES, "*"):
            raise ValueError(f"no service {service!r}; there are {', '.join(SERVICES)}")
        if mode not in PLAIN_MODES and not mode.startswith("error:"):
            raise ValueError(f"no mode {mode!r}; there are {', '.join(PLAIN_MODES)} and error:<code>")
        retry_after = asked.get("retry_after")
        fault = Fault(
            service, str(asked.get("method", "*")), mode, int(asked.get("times", 1)),
            None if retry_after is None else float(retry_after), int(asked.get("after", 0)),
        )  # fmt: skip
        self.planned.append(fault)
        return fault

    def take(self, service: str, method: str) -> Fault | None:
        """The fault this request must suffer, counted down; None when it may pass."""
        for fault in self.planned:
            if not fault.fits(service, method):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times > 0:
                fault.times -= 1
                if fault.times == 0:
                    self.planned.remove(fault)
            return fault
        return None

    def clear(self, service: str | None = None) -> None:
        """Forget planned faults (of one service, or all). Latency stays: it has its own switch."""
        self.planned = [f for f in self.planned if service is not None and f.service != service]

    def slow(self, service: str, method: str, seconds: float) -> None:
        """Make every request of a service (method ``*``) or one method slower; 0 removes it."""
        if seconds > 0:
            self.latencies[(service, method)] = seconds
        else:
            self.latencies.pop((service, method), None)

    def latency(self, service: str, method: str) -> float:
        """Seconds to wait before this request: the most exact entry wins."""
        for key in ((service, method), (service, "*"), ("*", "*")):
            if key in self.latencies:
                return self.latencies[key]
        return 0.0
