"""What a stand-in sends by itself: its background work and the one HTTP session it is sent with.

Belongs here: keeping and ending both. Does not belong here: what is sent (slack/delivery.py, pagerduty/webhooks.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import aiohttp


class Outgoing:
    """Base of what sends. The session begins with the first use, inside the loop that uses it."""

    def __init__(self) -> None:
        self._open: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session, opened now if it was not. Many at once: a burst of people is not held back by its sender."""
        if self._open is None:
            self._open = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False)
        return self._open

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do it beside the caller."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Cancel what is under way and close the session."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._open is not None:
            await self._open.close()
            self._open = None
