"""Work beside a request: kept in hand (asyncio holds only weak references), waited for at the end, never lost silently.

Belongs here: the set of such tasks. Does not belong here: what they do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Tasks:
    """Tasks of one owner. An exception in one is logged with its traceback."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start it now, beside the caller."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task.failed", owner=self._name, error=type(error).__name__, exc_info=error)

    async def finish(self, within_s: float) -> None:
        """Wait for all of them; those that take longer than `within_s` are cancelled and waited for."""
        if not self._running:
            return
        _, late = await asyncio.wait(set(self._running), timeout=within_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
