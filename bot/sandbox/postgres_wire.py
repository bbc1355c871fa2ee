"""PostgreSQL's wire protocol, as far as the gate must read it: messages, statements, answers, refusals.

Belongs here: protocol 3 (startup, simple and extended queries). Does not belong here: what SQL does. In planned faults
a statement is called by a function of the server ("pg_promote"), two words of a definition ("ALTER DATABASE"), or its
first ("INSERT").
"""

from __future__ import annotations

import asyncio
import re
import struct

from bot.sandbox.gate import Asked, Ends, Said

SSL, GSS, CANCEL = 80877103, 80877104, 80877102
FUNCTION = re.compile(r"\b(pg_promote|pg_terminate_backend)\s*\(", re.I)
DEFINES = ("CREATE", "ALTER", "DROP", "COMMENT")


def method(statement: str) -> str:
    """What a statement is called in faults and calls."""
    if found := FUNCTION.search(statement):
        return found[1].lower()
    words = statement.split(None, 2)
    if not words:
        return ""
    first = words[0].upper().rstrip(";")
    return f"{first} {words[1].upper()}" if first in DEFINES and len(words) > 1 else first


class PostgresWire:
    """One connection to a PostgreSQL."""

    service = "postgres"

    def __init__(self) -> None:
        self._in_transaction = False

    async def greet(self, near: Ends, far: Ends) -> bool:
        """Requests for encryption are the server's to answer (one byte); then the startup message."""
        while True:
            head = await near[0].readexactly(8)
            size, code = struct.unpack("!ii", head)
            rest = await near[0].readexactly(size - 8)
            if code not in (SSL, GSS, CANCEL):
                rest = await self.begins(rest)
            far[1].write(struct.pack("!ii", len(rest) + 8, code) + rest)
            await far[1].drain()
            if code not in (SSL, GSS):
                return bool(code != CANCEL)
            near[1].write(await far[0].readexactly(1))
            await near[1].drain()

    async def begins(self, startup: bytes) -> bytes:
        """The settings of the startup message, passed on as they are: names and values, a zero byte after each."""
        return startup

    async def _message(self, reader: asyncio.StreamReader) -> tuple[bytes, bytes, bytes]:
        """Type, body, and all of it."""
        head = await reader.readexactly(5)
        body = await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
        return head[:1], body, head + body

    async def ask(self, reader: asyncio.StreamReader) -> Asked:
        """A query, or the preparation of one; everything else asks for nothing new."""
        kind, body, raw = await self._message(reader)
        if kind == b"Q":
            text = body.rstrip(b"\0").decode("utf-8", "replace")
        elif kind == b"P":
            text = body.split(b"\0")[1].decode("utf-8", "replace")
        else:
            return Asked(raw)
        return Asked(raw, method(text), " ".join(text.split())[:300])

    async def say(self, reader: asyncio.StreamReader) -> Said:
        """Command complete, an error with its SQLSTATE, ready for the next."""
        kind, body, raw = await self._message(reader)
        if kind == b"E":
            fields = {part[:1]: part[1:] for part in body.split(b"\0") if part}
            return Said(raw, error=fields.get(b"C", b"").decode())
        if kind == b"Z":
            self._in_transaction = body != b"I"
        return Said(raw, ok=kind == b"C", last=kind == b"Z")

    async def refuse(self, code: str, asked: Asked, near: Ends) -> None:
        """An error, and where the query was prepared, nothing but it until the client's Sync."""
        while asked.raw[:1] == b"P":
            kind, _, _ = await self._message(near[0])
            if kind == b"S":
                break
        body = b"SERROR\0VERROR\0C" + code.encode() + b"\0Mrefused by the sandbox\0\0"
        state = b"E" if self._in_transaction else b"I"
        near[1].write(b"E" + struct.pack("!i", len(body) + 4) + body + b"Z" + struct.pack("!i", 5) + state)
        await near[1].drain()
