"""Any HTTP address, looked at the way a user's browser would: one GET, timed, no redirects followed; and JSON posted
to the addresses the policy names.

Belongs here: httpx for looking and posting, and `sent`, which sorts every way an httpx request can end (others use it
too). Does not belong here: what an answer should be (the probe says that).
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

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
    unreachable,
)
from playbooks.connectors.threads import Threads
from playbooks.errors import Refused
from playbooks.host_commands import masked
from playbooks.policy_sends import Webhook
from playbooks.reading import hint
from playbooks.secrets import reveal

MOST_BYTES = 256 * 1024  # of a body; a health answer is short


@dataclass(frozen=True)
class HttpSeen:
    """One answer. latency_ms: from sending to the answer's headers. text: the body as text, cut at 256 KiB."""

    status: int
    latency_ms: float
    text: str


@functools.cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed. Reading them takes 30 ms; every client of a process shares one reading."""
    return httpx.create_ssl_context()


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

    def __init__(
        self,
        *,
        connect_timeout: float = CONNECT_S,
        read_timeout: float = READ_S,
        webhooks: Mapping[str, Webhook] | None = None,
    ) -> None:
        self._timeout = httpx.Timeout(read_timeout, connect=connect_timeout)
        self._deadline_s = connect_timeout + read_timeout
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._webhooks = webhooks or {}

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def webhook(self, name: str) -> Webhook:
        """An address of the policy. Refused with the nearest name."""
        if name not in self._webhooks:
            near = hint(name, self._webhooks)
            raise Refused(f"The policy names no webhook {name}{near}. Nothing was sent.", todo="Add it to `webhooks`.")
        return self._webhooks[name]

    async def get(self, url: str) -> HttpSeen:
        """GET once. Any status is an answer; raises Temporary when none came, Refused for an address that is none."""
        started = time.monotonic()
        seen: list[HttpSeen] = []
        reading = _read(self._client(url), url, started, seen)
        await sent(self.vendor, f"GET {url}", reading, write=False, deadline_s=self._deadline_s)
        return seen[0]

    def _client(self, url: str) -> httpx.AsyncClient:
        proxies = not is_loopback(url)
        if proxies not in self._clients:
            self._clients[proxies] = httpx.AsyncClient(
                verify=trusted(), timeout=self._timeout, trust_env=proxies, headers={"User-Agent": "muster-probe"}
            )
        return self._clients[proxies]


class Http(HttpReads):
    """What can be done: JSON to an address of the policy, by its name."""

    acting = True

    async def post_json(self, name: str, body: Mapping[str, Any], key: str) -> HttpSeen:
        """POST once, our key in the webhook's header. Raises as everywhere: 429 Temporary, 4xx Refused, 5xx Uncertain.

        text: masked, since an answer may repeat what we signed in with.
        """
        to = self.webhook(name)
        headers, secret = {to.key_header: key}, ""
        if to.auth is not None:
            auth, threads = to.auth, Threads("secrets", 1)
            try:
                secret = await threads.run(lambda: reveal(auth), deadline_s=30.0)
            finally:
                threads.close()
            headers[to.header] = secret
        call, started = f"POST {name}", time.monotonic()
        request = self._client(to.url).post(to.url, json=dict(body), headers=headers)
        answer = await sent(self.vendor, call, request, write=True, deadline_s=self._deadline_s)
        text = masked(answer.text[:MOST_BYTES], [secret] if secret else [])
        if answer.status_code == 429:
            raise too_many(self.vendor, call, 429, retry_after(answer.headers))
        if answer.status_code >= 500:
            raise no_answer(self.vendor, call, f"status {answer.status_code}", write=True)
        if answer.status_code >= 300:
            words = f"{name} refused it: {answer.status_code} {short(text)}".strip()
            raise ServiceRefused(self.vendor, str(answer.status_code), words)
        return HttpSeen(answer.status_code, round((time.monotonic() - started) * 1000, 1), text)


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
