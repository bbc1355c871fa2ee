"""How fast we may ask: a gate per key that a 429 closes for a while, and even spacing where a service wants it.

Belongs here: counting seconds. Does not belong here: what is asked, or who retries (the caller decides that).
"""

from __future__ import annotations

import asyncio
import time

from playbooks.errors import Temporary

FORGET_ABOVE = 2_000  # keys kept before passed ones are dropped, so that years of channels do not pile up


class Gate:
    """Closed for a key after the service said "not before". While closed, asking fails at once and sends nothing."""

    def __init__(self) -> None:
        self._not_before: dict[tuple[str, str], float] = {}

    def close(self, key: tuple[str, str], seconds: float) -> None:
        """Close a key for that many seconds."""
        now = time.monotonic()
        if len(self._not_before) > FORGET_ABOVE:
            self._not_before = {k: until for k, until in self._not_before.items() if until > now}
        self._not_before[key] = max(now + seconds, self._not_before.get(key, 0.0))

    def check(self, key: tuple[str, str], service: str) -> None:
        """Raise Temporary with the seconds left while the key is closed."""
        left = self._not_before.get(key, 0.0) - time.monotonic()
        if left > 0:
            words = f"{service} asked us to wait before the next {key[0]}; nothing was sent."
            raise Temporary(words, retry_after=round(left, 3))


class Spacing:
    """At least `every_s` seconds between two requests of one client; those who come sooner wait their turn."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next free moment. Turns are given in the order of asking."""
        now = time.monotonic()
        mine = max(now, self._next)
        self._next = mine + self._every_s
        if mine > now:
            await asyncio.sleep(mine - now)
