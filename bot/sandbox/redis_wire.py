"""Redis' wire protocol (RESP 2 and 3), as far as the gate must read it: commands, replies, refusals.

A command refused inside MULTI makes EXEC answer EXECABORT, as Redis does: nothing of the transaction is carried out.

Belongs here: where a message ends and what it is called ("FLUSHALL", "EXEC"). Does not belong here: what commands do.
"""

from __future__ import annotations

import asyncio
from collections import deque

from bot.sandbox.gate import Asked, Ends, Said

SECRETIVE = ("AUTH", "HELLO")
TEXTS, LISTS, PAIRS = b"$!=", b"*~>", b"%|"
DISCARD = b"*1\r\n$7\r\nDISCARD\r\n"
ABORTED = b"-EXECABORT Transaction discarded because of previous errors.\r\n"


class RedisWire:
    """One connection to a Redis. discards: for each open question, whether it is an EXEC that must come to nothing."""

    service = "redis"

    def __init__(self) -> None:
        self._inside = self._spoilt = False
        self._discards: deque[bool] = deque()

    async def greet(self, near: Ends, far: Ends) -> bool:
        """Nothing comes before the first command."""
        return True

    async def ask(self, reader: asyncio.StreamReader) -> Asked:
        """A command: a list of texts."""
        raw = await reader.readuntil(b"\r\n")
        words: list[str] = []
        for _ in range(int(raw[1:]) if raw[:1] == b"*" else 0):
            size = await reader.readuntil(b"\r\n")
            text = await reader.readexactly(int(size[1:]) + 2)
            raw += size + text
            words.append(text[:-2].decode("utf-8", "replace"))
        name = words[0].upper() if words else raw.decode("utf-8", "replace").strip().upper()
        shown = name if name in SECRETIVE else " ".join([name, *words[1:]])
        spoilt = name == "EXEC" and self._spoilt
        if name in ("MULTI", "EXEC", "DISCARD"):
            self._inside, self._spoilt = name == "MULTI", False
        self._discards.append(spoilt)
        return Asked(DISCARD if spoilt else raw, name, shown[:300])

    async def say(self, reader: asyncio.StreamReader) -> Said:
        """A reply, with all that is inside it."""
        raw = await self._reply(reader)
        if raw[:1] != b">" and self._discards and self._discards.popleft():
            raw = ABORTED
        error = raw[1:].split(b" ", 1)[0].decode().strip() if raw[:1] in b"-!" else None
        return Said(raw, ok=error is None, error=error, last=raw[:1] != b">")

    async def _reply(self, reader: asyncio.StreamReader) -> bytes:
        raw = await reader.readuntil(b"\r\n")
        kind, rest = raw[:1], raw[1:-2]
        if kind in TEXTS and rest != b"-1":
            return raw + await reader.readexactly(int(rest) + 2)
        inside = 0
        if kind in LISTS and rest != b"-1":
            inside = int(rest)
        elif kind in PAIRS:
            inside = 2 * int(rest) + (1 if kind == b"|" else 0)
        for _ in range(inside):
            raw += await self._reply(reader)
        return raw

    async def refuse(self, code: str, asked: Asked, near: Ends) -> None:
        """An error reply. The gate lets it be the answer to the latest question."""
        self._spoilt = self._inside
        self._discards.pop()
        near[1].write(f"-{code} refused by the sandbox\r\n".encode())
        await near[1].drain()
