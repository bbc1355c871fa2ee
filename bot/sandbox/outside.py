"""The demo's other addresses: a canary that has a score, and receivers of posted JSON.

Belongs here: what is asked or posted by the example policy's addresses. A keyed receiver acts once per key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.faults import Fault
from bot.sandbox.wire import Call

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

AUTH = "Bearer sandbox-discovery-token"
KEYED = ("service_discovery", "staging_discovery")


class Outside:
    """``canary``: what it answers. ``taken``: what receivers acted on, as {hook, key, body}."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.canary: dict[str, Any] = {"canary_score": 0.98}
        self.taken: list[dict[str, Any]] = []

    async def score(self, request: web.Request) -> web.StreamResponse:
        """GET: the canary."""

        async def answer(call: Call) -> web.StreamResponse:
            return web.json_response(self.sandbox.outside.canary)

        return await self.sandbox.wire.carry(request, "http", "canary", {}, answer, refuse=_refuse)

    async def hook(self, request: web.Request) -> web.StreamResponse:
        """POST: a receiver by name."""
        name, body = request.match_info["name"], json.loads(await request.read() or b"{}")
        key = request.headers.get("Idempotency-Key", "")

        async def answer(call: Call) -> web.StreamResponse:
            taken = self.sandbox.outside.taken
            if name in KEYED and request.headers.get("Authorization") != AUTH:
                call.error = "unauthorized"
                return web.json_response({"error": f"unknown: {request.headers.get('Authorization')}"}, status=401)
            if name in KEYED and any(one["key"] == key for one in taken):
                call.effect = False  # done before, under this key
            else:
                taken.append({"hook": name, "key": key, "body": body})
            return web.json_response({"ok": True, "taken": len(taken)})

        shown = {"key": key, "body": body}
        return await self.sandbox.wire.carry(request, "http", f"hook {name}", shown, answer, refuse=_refuse)


def _refuse(fault: Fault) -> web.StreamResponse:
    status = int(fault.mode) if fault.mode.isdigit() else 400
    return web.json_response({"error": fault.mode.removeprefix("error:")}, status=status)
