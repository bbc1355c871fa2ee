"""The wire: every request of every stand-in passes here, is recorded, delayed, and made to fail when that is planned.

Belongs here: recording, latency, faults that look the same for all services. Not here: what a request means.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from bot.sandbox.faults import Fault, Faults

Refuse = Callable[[Fault], web.StreamResponse]
MAX_CALLS = 20_000
SECRET = re.compile(r"(xox[a-z]-|xapp-)[\w-]+|(Token token=|OAuth |Bearer )\S+")
SECRET_NAMES = {"token", "authorization", "routing_key", "api_key", "x-amz-security-token"}


def redacted(value: Any) -> Any:
    """The same value with tokens replaced, at any depth."""
    if isinstance(value, dict):
        return {k: "<redacted>" if str(k).lower() in SECRET_NAMES else redacted(v) for k, v in value.items()}
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return SECRET.sub("<redacted>", value) if isinstance(value, str) else value


@dataclass
class Call:
    """One request as a service received it. ``effect`` says whether it was carried out; ``error`` the code answered."""

    number: int
    service: str
    method: str
    arguments: Any
    at: float = field(default_factory=time.time)
    monotonic: float = field(default_factory=time.monotonic)
    status: int | None = None
    error: str | None = None
    effect: bool = False
    fault: str | None = None
    took_ms: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


Answer = Callable[[Call], Awaitable[web.StreamResponse]]


class Wire:
    """Records and disturbs. ``stopping`` ends every hang when the sandbox stops."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.calls: list[Call] = []
        self.stopping = asyncio.Event()
        self._count = 0
        self._carried = asyncio.Event()
        self._hurried = asyncio.Event()

    def record(self, service: str, method: str, arguments: Any) -> Call:
        self._count += 1
        call = Call(self._count, service, method, redacted(arguments))
        self.calls.append(call)
        if len(self.calls) > MAX_CALLS:
            del self.calls[: MAX_CALLS // 10]
        return call

    async def carried(self, within_s: float) -> bool:
        """Wait until some request has been carried out; False when none was in that time."""
        try:
            return await asyncio.wait_for(self._carried.wait(), within_s)
        except TimeoutError:
            return False

    def _wake(self) -> None:
        self._carried.set()
        self._carried = asyncio.Event()

    def hurry(self) -> None:
        """A latency has changed: what waits for its time looks again how long that is."""
        self._hurried.set()
        self._hurried = asyncio.Event()

    async def slowed(self, service: str, method: str) -> None:
        """Wait the planned latency, or until it is taken away."""
        began = time.monotonic()
        while (left := self.faults.latency(service, method) - (time.monotonic() - began)) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurried.wait(), left)

    async def hang(self, request: web.Request) -> web.StreamResponse:
        """Hold the request until the sandbox stops (or the caller goes away), then cut the line."""
        while not self.stopping.is_set() and request.transport is not None and not request.transport.is_closing():
            try:
                await asyncio.wait_for(self.stopping.wait(), 0.5)
            except TimeoutError:
                continue
        return self.cut(request)

    def cut(self, request: web.Request) -> web.StreamResponse:
        """Close the connection without an answer: the client sees a reset or an early end."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def carry(self, request: web.Request, service: str, method: str, arguments: Any, answer: Answer, *,
                    refuse: Refuse) -> web.StreamResponse:  # fmt: skip
        """Record the request, wait the planned latency, and either carry it out or let it fail as planned.

        ``answer`` carries the request out; it may set the call's ``error`` and ``effect``. ``refuse`` writes a
        fault's answer in the service's own words, for the modes that are answers (429, 5xx, codes).
        """
        call = self.record(service, method, arguments)
        await self.slowed(service, method)
        fault = self.faults.take(service, method)
        response = await self._suffer(request, call, fault, answer, refuse)
        call.took_ms = round((time.monotonic() - call.monotonic) * 1000, 3)
        return response

    async def _suffer(self, request: web.Request, call: Call, fault: Fault | None, answer: Answer,
                      refuse: Refuse) -> web.StreamResponse:  # fmt: skip
        if fault is None or fault.mode == "duplicate_delivery":
            call.effect = request.method not in ("GET", "HEAD")
            response = await answer(call)
            self._wake()
            call.status = response.status
            call.effect = call.effect and response.status < 400 and call.error is None
            return response
        call.fault = fault.mode
        if fault.mode in ("timeout_after", "close_after"):
            call.effect = request.method not in ("GET", "HEAD")
            response = await answer(call)
            self._wake()
            call.effect = call.effect and response.status < 400 and call.error is None
            return await self.hang(request) if fault.mode == "timeout_after" else self.cut(request)
        if fault.mode == "timeout_before":
            return await self.hang(request)
        if fault.mode == "reset":
            return self.cut(request)
        response = refuse(fault)
        call.status = response.status
        return response


def retry_after(fault: Fault) -> dict[str, str]:
    """The Retry-After header of a planned 429: whole seconds, 1 unless told."""
    return {"Retry-After": str(int(fault.retry_after if fault.retry_after is not None else 1))}
