"""Storing asks before they are acknowledged: everyone waiting at this moment shares one transaction.

Belongs here: group commit and the deadline of an acknowledgement. Does not belong here: what an ask is (normalise.py),
or what the sender is told (slack.py). Design section 9: on SQLite one writer with group commit keeps 200 at once fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.codes import Codes
from storage import inbox
from storage.db import Database, Tx, Unreachable
from storage.inbox import Ask

log = structlog.get_logger(__name__)

WITHIN_S = 2.4  # Slack waits 3 s (contract A1); the rest is for saying that it was not stored
MOST = 100
JUDGED_AT_ONCE = 4


class NotStored(Exception):
    """Nobody can say that the ask is stored. Where its transaction was under way it may still have been: assume not."""


@dataclass(eq=False)
class _Waiting:
    ask: Ask
    stored: asyncio.Future[bool]
    given_up: bool = False  # its sender has been told that it is not stored


class Store:
    """Puts asks into the inbox. One transaction at a time on SQLite, up to `lanes` on PostgreSQL."""

    def __init__(self, db: Database, codes: Codes | None = None, *, within_s: float = WITHIN_S, lanes: int = 2) -> None:
        self._db = db
        self.codes = codes or Codes({}, None)
        self._within_s = within_s
        self._lanes = 1 if db.sqlite else lanes
        self._queue: list[_Waiting] = []
        self._flushing: set[asyncio.Task[None]] = set()
        self._judging: set[asyncio.Task[None]] = set()
        self._judges = asyncio.Semaphore(JUDGED_AT_ONCE)

    async def put(self, ask: Ask) -> bool:
        """Store one ask durably; False when it was there already. Raises NotStored within `within_s` seconds."""
        waiting = _Waiting(ask, asyncio.get_running_loop().create_future())
        if ask.codes:
            self._start_judging(waiting)
        else:
            self._queue.append(waiting)
            if len(self._flushing) < self._lanes:
                self._start()
        done, _ = await asyncio.wait((waiting.stored,), timeout=self._within_s)
        if done:
            return waiting.stored.result()
        waiting.given_up = True
        waiting.stored.add_done_callback(_seen)
        if waiting in self._queue:
            self._queue.remove(waiting)
            raise NotStored("the database is busy")
        raise NotStored("the database did not answer in time")

    async def close(self) -> None:
        """Wait for what is being stored."""
        while self._flushing or self._judging:
            await asyncio.gather(*self._flushing, *self._judging, return_exceptions=True)

    def _start_judging(self, waiting: _Waiting) -> None:
        """Asks with a one-time code are stored alone, beside the others: judging takes locks nobody shall wait for."""
        task = asyncio.get_running_loop().create_task(self._judged(waiting))
        self._judging.add(task)
        task.add_done_callback(self._judging.discard)

    async def _judged(self, waiting: _Waiting) -> None:
        async with self._judges:
            await self._alone(waiting)

    def _start(self) -> None:
        task = asyncio.get_running_loop().create_task(self._flush())
        self._flushing.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._flushing.discard(task)
        if self._queue and len(self._flushing) < self._lanes:
            self._start()

    async def _flush(self) -> None:
        while self._queue:
            batch, self._queue = self._queue[:MOST], self._queue[MOST:]
            try:
                await self._commit(batch)
            except (SQLAlchemyError, ValueError, TypeError) as error:
                # One ask the database cannot hold must not take the others with it: each alone now.
                log.warning("store.batch_refused", error=type(error).__name__, asks=len(batch))
                for one in batch:
                    await self._alone(one)

    async def _alone(self, one: _Waiting) -> None:
        try:
            await self._commit([one])
        except (SQLAlchemyError, ValueError, TypeError) as error:
            log.error("store.ask_refused", error=type(error).__name__, kind=one.ask.kind)
            _settle(one, NotStored("the database refuses this text"))

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        try:
            try:
                fresh = await self._db.write(lambda tx: _storing(tx, batch, self.codes), door=True)
            except Unreachable:
                if all(one.given_up for one in batch):
                    raise
                # After a restart of the database the first connection that is tried is a dead one: a fresh one tells.
                fresh = await self._db.write(lambda tx: _storing(tx, batch, self.codes), door=True)
        except Unreachable as error:
            log.error("store.unreachable", asks=len(batch), error=str(error))
            for one in batch:
                _settle(one, NotStored("the database cannot be reached"))
            return
        for one in batch:
            # Twice the same key in one batch: the first is fresh, the second a repeat.
            _settle(one, one.ask.key in fresh)
            fresh.discard(one.ask.key)


def _storing(tx: Tx, batch: Sequence[_Waiting], codes: Codes) -> set[str]:
    """Store those that are still waited for. One whose sender was told "not stored" while the database kept us waiting
    is settled in this same transaction: it must not come to life behind their back."""
    fresh = inbox.store(tx, [one.ask for one in batch if not one.given_up])
    for one in batch:
        if one.ask.codes and one.ask.key in fresh:
            codes.judge(tx, one.ask)
        if one.given_up and one.ask.key in fresh:
            inbox.settle(tx, one.ask.key, "refused", error="answered as not stored")
    return fresh


def _settle(one: _Waiting, result: bool | NotStored) -> None:
    if one.stored.done():
        return
    if isinstance(result, NotStored):
        one.stored.set_exception(result)
    else:
        one.stored.set_result(result)


def _seen(future: asyncio.Future[bool]) -> None:
    """Nobody waits for this one any more: look at its exception so that asyncio does not complain."""
    if not future.cancelled():
        future.exception()
