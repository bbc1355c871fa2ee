"""The page's routes below ``/page/{key}/``: the document, its files, what is live, what somebody does.

Belongs here: addresses, the key, JSON in and out. Does not belong here: what is shown (showing.py, outside.py), what
an act does (control.py), what a person may type (completion.py).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.control import Control
from bot.sandbox.page import outside, showing
from bot.sandbox.page.guard import HEADERS
from bot.sandbox.page.guide import steps
from bot.sandbox.slack.elements import CannotDo

if TYPE_CHECKING:
    from bot.sandbox.page.completion import Completion
    from bot.sandbox.server import Sandbox

STATIC = Path(__file__).parent / "static"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# By their first bytes, not by their names. No SVG: it can hold a program.
PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
LOOK_S = 0.2  # how late a change is seen that no request has told of
SETTLE_S = 0.02  # several requests at once are drawn once
BEAT_S = 15.0  # a line nobody reads any more is found so
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """One page for one sandbox. key: whoever knows it, by the address printed at the start, may act as everybody."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.key = secrets.token_urlsafe(18)

    @cached_property
    def completion(self) -> Completion:
        """Loaded when somebody first types: it brings the commands with it."""
        from bot.sandbox.page.completion import Completion

        return Completion(self.sandbox)

    @property
    def url(self) -> str:
        """Where a browser opens it."""
        return f"{self.sandbox.url}/page/{self.key}/"

    def routes(self) -> list[web.RouteDef]:
        control, base = Control(self.sandbox), "/page/{key}/"
        acts = control.acts() | {"submit": submitted, "heal": healed}
        return [
            web.get(base, self._keyed(self.document)),
            web.get(f"{base}static/{{name}}", self._keyed(self.static)),
            web.get(f"{base}live", self._keyed(self.live)),
            web.get(f"{base}complete", self._keyed(self.complete)),
            web.get(f"{base}file/{{id}}", self._keyed(self.file)),
            *(web.post(f"{base}act/{name}", self._keyed(_json_only(control.handler(run))))
              for name, run in acts.items()),
        ]  # fmt: skip

    def _keyed(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if not secrets.compare_digest(request.match_info["key"].encode(), self.key.encode()):
                return web.Response(status=404, text="Open the address that `muster sandbox` printed.", headers=HEADERS)
            response = await handler(request)
            if not response.prepared:
                response.headers.update(HEADERS)
            return response

        return handle

    async def document(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=(STATIC / "index.html").read_bytes(), content_type="text/html", charset="utf-8")

    async def static(self, request: web.Request) -> web.StreamResponse:
        """One of the files beside the document; a name is no path."""
        file = STATIC / Path(request.match_info["name"]).name
        kind = KINDS.get(file.suffix)
        if kind is None or not file.is_file():
            return web.Response(status=404)
        return web.Response(body=file.read_bytes(), content_type=kind, charset="utf-8")

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events for ``?user=&channel=``: each part of the page, again whenever it has changed."""
        line = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream; charset=utf-8"})
        await line.prepare(request)
        sent: dict[str, str] = {}
        loop = asyncio.get_running_loop()
        told_at = loop.time()
        with suppress(ConnectionError):
            while request.transport is not None and not request.transport.is_closing():
                for name, part in (await self._parts(dict(request.query))).items():
                    text = json.dumps(part, ensure_ascii=False, default=str)
                    if sent.get(name) != text:
                        await line.write(f"event: {name}\ndata: {text}\n\n".encode())
                        sent[name], told_at = text, loop.time()
                if loop.time() - told_at > BEAT_S:
                    await line.write(b": still here\n\n")
                    told_at = loop.time()
                if await self.sandbox.wire.carried(LOOK_S):
                    await asyncio.sleep(SETTLE_S)
        return line

    async def _parts(self, asked: dict[str, str]) -> dict[str, Any]:
        sandbox = self.sandbox
        try:
            user = sandbox.people.person(asked.get("user") or "U0ANA")
        except CannotDo:
            user = sandbox.people.person("U0ANA")
        return {
            "workspace": showing.workspace(sandbox, user),
            "channel": showing.channel(sandbox, user, asked.get("channel") or "C0GENERAL"),
            "screen": showing.screen(sandbox, user),
            "outside": await outside.shown(sandbox),
            "trouble": outside.trouble(sandbox),
            "guide": await steps(sandbox),
        }

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """``?text=&user=``: {start, options: [{insert, label, hint}]} for the last word of what is being typed."""
        text, user = request.query.get("text", ""), request.query.get("user", "U0ANA")
        return web.json_response(await self.completion.options(text, user))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """What is in an uploaded file: text is shown as text and a picture as one, never as a page of its own."""
        found = self.sandbox.world.files.get(request.match_info["id"])
        if found is None or found.content is None:
            return web.Response(status=404, text="no such file")
        if kind := next((kind for start, kind in PICTURES.items() if found.content.startswith(start)), None):
            return web.Response(body=found.content, content_type=kind)
        try:
            found.content.decode("utf-8")
        except UnicodeDecodeError:
            named = {"Content-Disposition": f'attachment; filename="{found.id}"'}
            return web.Response(body=found.content, content_type="application/octet-stream", headers=named)
        return web.Response(body=found.content, content_type="text/plain", charset="utf-8")


def _json_only(handler: Handler) -> Handler:
    """A form of another page can send text and fields without asking first; JSON it cannot."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            return web.json_response({"error": "send JSON"}, status=415)
        return await handler(request)

    return handle


async def submitted(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, view_id, values}: presses a modal's submit; what Slack then tells the person is in ``notices``."""
    from bot.sandbox.control import submit

    before = len(sandbox.world.notices)
    done = await submit(sandbox, asked)
    return done | {"notices": [n for n in sandbox.world.notices[before:] if n["user"] == asked["user"]]}


async def healed(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{service}: it fails no more and is as fast as before; Slack has its scopes again."""
    from bot.sandbox.world import SCOPES

    service = str(asked["service"])
    sandbox.faults.clear(service)
    for slowed, method in list(sandbox.faults.latencies):
        if slowed == service:
            sandbox.faults.slow(slowed, method, 0)
    sandbox.wire.hurry()
    if service == "slack":
        sandbox.world.scopes = list(SCOPES)
    return outside.trouble(sandbox)
