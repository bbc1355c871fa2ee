"""The outside world of the victims: one web server in the test's process, one cell of it per run.

It writes down every call with its key, makes keyed effects once per key, can hang before or after an effect, answer
only when it is told to, or drop the connection.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Cell:
    """What happened to one run's outside. hang: (what, tag, phase), once; what is do, look, plan, verify, reconcile."""

    name: str
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    effects: list[tuple[str, str, str]] = field(default_factory=list)
    looks: Counter[tuple[str, str]] = field(default_factory=Counter)
    hang: tuple[str, str, str] | None = None
    tells: bool = True
    hung: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    drop: bool = False
    refuse: int = 0  # how many destructive calls are refused
    blind: bool = False  # verify never sees it
    apart_s: float = 0.05  # between two looks of verify

    def made(self, tag: str) -> list[tuple[str, str, str]]:
        """Effects on this tag, (kind, tag, key)."""
        return [effect for effect in self.effects if effect[1] == tag]


class Outside:
    """The server. cells by name; an unknown cell is a fault of the test."""

    def __init__(self) -> None:
        self.cells: dict[str, Cell] = {}
        app = web.Application()
        app.router.add_post("/{cell}/do", self._do)
        app.router.add_get("/{cell}/{what}", self._see)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=False, shutdown_timeout=0.1)
        self.url = ""

    async def __aenter__(self) -> Outside:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: Any) -> None:
        for cell in self.cells.values():
            cell.release.set()
        await self._runner.cleanup()

    def cell(self, name: str, **behaviour: Any) -> Cell:
        """A new, empty cell."""
        self.cells[name] = Cell(name, **behaviour)
        return self.cells[name]

    async def _do(self, request: web.Request) -> web.Response:
        cell = self.cells[request.match_info["cell"]]
        one = (request.query["kind"], request.query["tag"], request.query["key"])
        cell.calls.append(one)
        if not await self._hung(cell, "do", one[1], "before", request):
            return web.Response(status=500)
        if one[0] == "destroy" and cell.refuse > 0:
            cell.refuse -= 1
            cell.calls.remove(one)  # refused: not a call that could have had an effect
            return web.Response(status=409)
        if one[0] in ("never", "destroy", "cut", "undo") or one not in cell.effects:
            cell.effects.append(one)
        await self._hung(cell, "do", one[1], "after", request)
        return web.json_response({})

    async def _see(self, request: web.Request) -> web.Response:
        cell, what, tag = self.cells[request.match_info["cell"]], request.match_info["what"], request.query["tag"]
        await self._hung(cell, what, tag, "before", request)
        cell.looks[what, tag] += 1
        happened = any(effect[1:] == (tag, request.query["key"]) for effect in cell.effects) if cell.tells else None
        await self._hung(cell, what, tag, "after", request)
        seen = {"looks": 0 if cell.blind else cell.looks[what, tag], "happened": happened, "apart_s": cell.apart_s}
        return web.json_response(seen)

    async def _hung(self, cell: Cell, what: str, tag: str, phase: str, request: web.Request) -> bool:
        """Hang once, if it is told to; False when the caller is gone or is dropped, so that nothing is made."""
        if cell.hang != (what, tag, phase):
            return True
        cell.hang = None
        cell.hung.set()
        await cell.release.wait()
        if cell.drop and request.transport is not None:
            request.transport.close()
        return not cell.drop and request.transport is not None and not request.transport.is_closing()
