"""Any HTTP address, looked at the way a user's browser would: one GET, timed, no redirects followed.

Belongs here: httpx for looking, and `sent`, which sorts every way an httpx request can end (Statuspage uses it too).
Does not belong here: what an answer should be (the probe says that).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass

import httpx

from playbooks.connectors.answers import CONNECT_S, READ_S, is_loopback, no_answer, short, unreachable
from playbooks.errors import Refused

MOST_BYTES = 256 * 1024  # of a body; a health answer is short


@dataclass(frozen=True)
class HttpSeen:
    """One answer. latency_ms: from sending to the answer's headers. text: the body as text, cut at 256 KiB."""

    status: int
    latency_ms: float
    text: str


async def sent(
    service: str, call: str, request: Awaitable[httpx.Response], *, write: bool, deadline_s: float
) -> httpx.Response:
    """Await a request and return its answer, whatever its status. Raises Temporary, Refused or Uncertain.

    deadline_s: for the whole request; httpx's own time-outs only count silence.
    """
    try:
        return await asyncio.wait_for(request, deadline_s)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        raise unreachable(service, call, short(str(error)) or type(error).__name__) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise Refused(f"{service} {call} was not sent: {short(str(error))}") from None
    except (TimeoutError, httpx.HTTPError) as error:
        raise no_answer(service, call, type(error).__name__, write=write) from None


class HttpReads:
    """What can be asked of an address. Settings: time-outs in seconds. Loopback never goes through a proxy."""

    vendor = "HTTP"
    acting = False

    def __init__(self, *, connect_timeout: float = CONNECT_S, read_timeout: float = READ_S) -> None:
        self._timeout = httpx.Timeout(read_timeout, connect=connect_timeout)
        self._deadline_s = connect_timeout + read_timeout
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def get(self, url: str) -> HttpSeen:
        """GET once. Any status is an answer; raises Temporary when none came, Refused for an address that is none."""
        proxies = not is_loopback(url)
        if proxies not in self._clients:
            self._clients[proxies] = httpx.AsyncClient(
                timeout=self._timeout, trust_env=proxies, headers={"User-Agent": "muster-probe"}
            )
        started = time.monotonic()
        seen: list[HttpSeen] = []
        await sent(
            self.vendor, f"GET {url}", _read(self._clients[proxies], url, started, seen), write=False,
            deadline_s=self._deadline_s,
        )  # fmt: skip
        return seen[0]


async def _read(client: httpx.AsyncClient, url: str, started: float, seen: list[HttpSeen]) -> httpx.Response:
    async with client.stream("GET", url) as response:
        latency_ms = round((time.monotonic() - started) * 1000, 1)
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                break
        text = bytes(body[:MOST_BYTES]).decode(response.encoding or "utf-8", "replace")
        seen.append(HttpSeen(response.status_code, latency_ms, text))
        return response
