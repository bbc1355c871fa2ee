"""What people see of hosts of the sandbox: the storefront's health, as far as its firewall lets them; staging's API.

Belongs here: ``/demo/storefront/{host}/health`` and ``/demo/staging/{path}``. Does not belong here: what makes it so
(machine.py, staging.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.host import staging
from bot.sandbox.service import refuse
from bot.sandbox.wire import Call

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


class Storefront:
    """200 when every container is healthy, 503 when one is not, 504 when the host or its ports are closed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def health(self, request: web.Request) -> web.StreamResponse:
        """``GET /demo/storefront/{host}/health``."""

        async def answer(call: Call) -> web.StreamResponse:
            host = self.sandbox.hosts.by_name[request.match_info["host"]]
            closed = any(chain == "DOCKER-USER" and "DROP" in rule for chain, rule in host.machine.rules)
            if closed or host.away:
                return web.json_response({"status": "no answer"}, status=504)
            return web.json_response({"status": "ok" if host.machine.well else "error"},
                                     status=200 if host.machine.well else 503)  # fmt: skip

        name = f"{request.method} {request.path}"
        return await self.sandbox.wire.carry(request, "http", name, dict(request.query), answer, refuse=refuse)


class Staging:
    """staging's API as far as drills ask it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """``GET /demo/staging/{path}``."""

        async def answer(call: Call) -> web.StreamResponse:
            machine = self.sandbox.hosts.by_name["staging"].machine
            return web.json_response({}, status=staging.answers(machine, request.match_info["path"]))

        name = f"{request.method} {request.path}"
        return await self.sandbox.wire.carry(request, "http", name, dict(request.query), answer, refuse=refuse)
