"""A loopback port in front of a real server (PostgreSQL, Redis): what passes is recorded, delayed and made to fail.

Belongs here: what a fault does to a line, the same for all protocols. Does not belong here: what a message looks like
(postgres_wire.py, redis_wire.py), starting the servers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from bot.sandbox.wire import Call, Wire

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Opened = Callable[[], Awaitable[Ends]]


@dataclass(frozen=True)
class Asked:
    """One message of a client. method: what it asks for, "" where it asks for nothing; shown: its text."""

    raw: bytes
    method: str = ""
    shown: str = ""


@dataclass(frozen=True)
class Said:
    """One message of a server. ok: it carried something out; error: it refused with this code; last: ends an answer."""

    raw: bytes
    ok: bool = False
    error: str | None = None
    last: bool = False


class Dialect(Protocol):
    """How one connection of a protocol is read. A new one for each connection."""

    service: str

    async def greet(self, near: Ends, far: Ends) -> bool:
        """Pass on what comes before the first message; False where the connection ends with it."""

    async def ask(self, reader: asyncio.StreamReader) -> Asked:
        """The next message of the client. Raises IncompleteReadError at its end."""

    async def say(self, reader: asyncio.StreamReader) -> Said:
        """The next message of the server."""

    async def refuse(self, code: str, asked: Asked, near: Ends) -> None:
        """Answer in the server's place with an error code, as the protocol wants it."""


class Gate:
    """The port. Open from the start; the server behind it is opened for each connection."""

    def __init__(self, wire: Callable[[], Wire], dialect: Callable[[], Dialect], opened: Opened) -> None:
        self.port = 0
        self._wire = wire
        self._dialect = dialect
        self._opened = opened
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Open a free loopback port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)
        try:
            far = await self._opened()
            try:
                await _Tap(self._wire(), self._dialect(), (reader, writer), far).carry()
            finally:
                far[1].close()
        except (OSError, ImportError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # nobody there, or one of the two went away: the other is told by the end of its line
        finally:
            writer.close()

    def close(self) -> None:
        """End the port and all lines through it."""
        if self._server is not None:
            self._server.close()
        for task in list(self._lines):
            task.cancel()


class _Tap:
    """One connection. deaf: the server hears nothing more; mute: the client does not."""

    def __init__(self, wire: Wire, dialect: Dialect, near: Ends, far: Ends) -> None:
        self._wire, self._dialect, self._near, self._far = wire, dialect, near, far
        self._deaf = self._mute = self._cuts = False
        self._open: list[Call] = []
        self._answered = asyncio.Event()

    async def carry(self) -> None:
        """Until one of the two ends it."""
        if not await self._dialect.greet(self._near, self._far):
            return
        ways = {asyncio.create_task(self._there()), asyncio.create_task(self._back())}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for one in await asyncio.gather(*ways, return_exceptions=True):
                if isinstance(one, Exception) and not isinstance(one, (asyncio.IncompleteReadError, OSError)):
                    raise one

    async def _there(self) -> None:
        while True:
            asked = await self._dialect.ask(self._near[0])
            if asked.method and not self._deaf and not await self._meets(asked):
                continue
            if not self._deaf:
                self._far[1].write(asked.raw)
                await self._far[1].drain()

    async def _meets(self, asked: Asked) -> bool:
        """Record it, and let it fail as planned. False: it goes no further."""
        service = self._dialect.service
        call = self._wire.record(service, asked.method, asked.shown)
        if seconds := self._wire.faults.latency(service, asked.method):
            await asyncio.sleep(seconds)
        fault = self._wire.faults.take(service, asked.method)
        if fault is None:
            self._open.append(call)
            return True
        call.fault = fault.mode
        if fault.mode in ("timeout_after", "close_after"):
            self._open.append(call)
            self._mute, self._cuts = True, fault.mode == "close_after"
            return True
        if fault.mode == "timeout_before":
            self._deaf = self._mute = True
        elif fault.mode.startswith("error:"):
            call.error = fault.mode.removeprefix("error:")
            if self._open:  # answers come in the order of their questions
                self._answered.clear()
                await self._answered.wait()
            await self._dialect.refuse(call.error, asked, self._near)
        else:
            self._deaf = True  # of what was sent together with it nothing arrives either
            self._near[1].transport.abort()
        return False

    async def _back(self) -> None:
        while True:
            said = await self._dialect.say(self._far[0])
            call = self._open[0] if self._open else None
            if call is not None:
                call.effect = call.effect or said.ok
                call.error = said.error or call.error
            if said.last and self._open:
                self._open.pop(0)
                if not self._open:
                    self._answered.set()
            if not self._mute:
                self._near[1].write(said.raw)
                with suppress(ConnectionError):
                    await self._near[1].drain()
            elif self._cuts and said.last and not self._open:
                self._near[1].transport.abort()
                return
