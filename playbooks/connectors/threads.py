"""A bounded pool of threads for one blocking SDK, with a deadline that tells "never began" from "no answer".

Belongs here: running a blocking call beside the event loop. Does not belong here: any SDK.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from playbooks.errors import Temporary

T = TypeVar("T")


class Threads:
    """Each SDK has its own, so that a service that hangs takes only its own threads (contract E1)."""

    def __init__(self, name: str, workers: int = 8) -> None:
        self._name = name
        self._workers = workers
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=name.lower())

    async def run(self, call: Callable[[], T], *, deadline_s: float) -> T:
        """Run a blocking call in a thread and return what it returns.

        The call's own socket time-outs end it; `deadline_s` is the last resort. Raises Temporary when no thread became
        free in time (the call never began), TimeoutError when it began and is still running.
        """
        future = self._pool.submit(call)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), deadline_s)
        except TimeoutError:
            if future.cancelled():
                busy = f"All {self._workers} calls to {self._name} are waiting for it; this one never began."
                raise Temporary(busy) from None
            raise

    def close(self) -> None:
        """Let go of the threads. A call already running ends by its own time-outs; nobody waits for it."""
        self._pool.shutdown(wait=False, cancel_futures=True)
