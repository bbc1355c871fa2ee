"""A duty: something done again and again by one process, woken by hints, with a poll as the truth.

Belongs here: the loop, its lease ("one projector per workspace, one clock"), its end. Does not belong here: any work.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog

from storage import leases
from storage.db import Database, Unreachable

log = structlog.get_logger(__name__)
LEASE_S = 8.0
STOP_WITHIN_S = 5.0


class Duty:
    """Calls `work()` at every hint and at least every `poll_s` seconds; its answer True means "at once again".

    lease: only while this process holds the lease of that name. The lease is renewed by looking at it again.
    """

    def __init__(
        self,
        name: str,
        db: Database,
        work: Callable[[], Awaitable[bool]],
        *,
        owner: str,
        lease: bool = False,
        topics: tuple[str, ...] = (),
        poll_s: float = 1.0,
    ) -> None:
        self.name = name
        self._db = db
        self._work = work
        self._owner = owner
        self._lease = lease
        self._poll_s = poll_s
        self._wake = asyncio.Event()
        self._held_until = 0.0
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        if topics:
            db.listen(lambda topic: self.wake() if topic in topics else None)

    @property
    def ended(self) -> bool:
        """Whether it ended by itself: a fault; nothing of it is done any more until the process is started again."""
        return not self._stopping and self._task is not None and self._task.done() and not self._task.cancelled()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._loop(), name=f"duty {self.name}")
        self._task.add_done_callback(_ended)

    async def stop(self) -> None:
        """End, and give the lease back so that another replica need not wait for it.

        The look being made is let finish: what it claims in the database would otherwise stay claimed by nobody.
        """
        self._stopping = True
        self.wake()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=STOP_WITHIN_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._lease:
            with contextlib.suppress(Unreachable):
                await self._db.write(lambda tx: leases.release(tx, self._owner, [self.name]))

    async def holds(self) -> bool:
        """Whether the lease is ours now, renewed when more than a third of it has passed. Database clock decides."""
        if not self._lease:
            return True
        now = time.monotonic()
        if now < self._held_until:
            return True
        fence = await self._db.write(lambda tx: leases.take(tx, self.name, self._owner, lease_s=LEASE_S))
        self._held_until = now + LEASE_S / 3 if fence is not None else 0.0
        return fence is not None

    async def _loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            again = False
            try:
                if await self.holds():
                    again = await self._work()
            except Unreachable as error:
                log.warning("duty.database_unreachable", duty=self.name, error=str(error))
            if again:
                await asyncio.sleep(0)
                continue
            if self._stopping:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._poll_s)


def _ended(task: asyncio.Task[None]) -> None:
    """A duty that ends by itself is a fault nobody would notice: the process says so and its health check fails."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("duty.ended", duty=task.get_name(), error=type(error).__name__, exc_info=error)
