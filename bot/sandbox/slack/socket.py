"""Socket Mode: tickets, connections, hello, envelopes and their acknowledgements (contract A6).

Belongs here: the websocket. What is sent over it, and what an answer means, is ``delivery.py``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from bot.sandbox.world import APP

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

MOST_CONNECTIONS = 10  # contract A6
LIFE_SECONDS = 18_000


class NoConnection(Exception):
    """No app is connected: Slack cannot deliver."""


class Socket:
    """The connections of one app."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.tickets: set[str] = set()
        self.connections: list[web.WebSocketResponse] = []
        self.waiting: dict[str, asyncio.Future[Any]] = {}
        self._turn = itertools.count()

    def address(self) -> str:
        """A websocket address with a new ticket: one ticket is one connection (contract A6)."""
        ticket = secrets.token_hex(12)
        self.tickets.add(ticket)
        return f"{self.sandbox.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP}"

    async def link(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self.tickets:
            return web.Response(status=403, text="invalid ticket")
        self.tickets.discard(ticket)
        line = web.WebSocketResponse(heartbeat=None, compress=False)
        await line.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await line.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await line.close()
            return line
        self.connections.append(line)
        await line.send_json({
            "type": "hello", "num_connections": len(self.connections),
            "debug_info": {"host": "sandbox", "approximate_connection_time": LIFE_SECONDS},
            "connection_info": {"app_id": APP},
        })  # fmt: skip
        try:
            async for message in line:
                if message.type == WSMsgType.TEXT:
                    self._answered(message.data)
        finally:
            if line in self.connections:
                self.connections.remove(line)
        return line

    def _answered(self, data: str) -> None:
        try:
            answer = json.loads(data)
        except ValueError:
            return
        waiter = self.waiting.get(str(answer.get("envelope_id"))) if isinstance(answer, dict) else None
        if waiter is not None and not waiter.done():
            waiter.set_result(answer.get("payload"))

    async def send(self, kind: str, payload: dict[str, Any], retry: tuple[int, str] | None, seconds: float,
                   line_number: int | None = None) -> Any:  # fmt: skip
        """Send one envelope to any one connection and wait for its answer's payload.

        Raises NoConnection when nobody is connected, TimeoutError when nobody answered in time.
        """
        live = [c for c in self.connections if not c.closed]
        if not live:
            raise NoConnection
        envelope: dict[str, Any] = {
            "envelope_id": str(uuid.uuid4()), "type": kind, "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }  # fmt: skip
        if kind == "events_api":
            envelope |= {"retry_attempt": retry[0] if retry else 0, "retry_reason": retry[1] if retry else ""}
        line = live[(next(self._turn) if line_number is None else line_number) % len(live)]
        waiter = self.waiting[envelope["envelope_id"]] = asyncio.get_running_loop().create_future()
        try:
            await line.send_json(envelope)
            return await asyncio.wait_for(waiter, seconds)
        except ConnectionError:
            raise NoConnection from None
        finally:
            del self.waiting[envelope["envelope_id"]]

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to come again (contract A6: warning, refresh_requested, link_disabled)."""
        for line in list(self.connections):
            await line.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})

    async def close(self) -> None:
        for line in list(self.connections):
            await line.close(code=1001, message=b"going away")
