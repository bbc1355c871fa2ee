"""The worker: takes stored asks and hands them to the commands, some at a time, until each is settled.

Belongs here: claiming, leases, attempts, and the one catch-all of the product: what fails three times inside Muster is
dead and says so; having a person's account looked up once after their first ask. Does not belong here: what an ask
means (commands/), sending answers (replies.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import structlog

from bot import words
from bot.duty import Duty
from bot.metrics import Metrics
from bot.tasks import Tasks
from commands.command import Reply
from commands.giving_up import give_up, waits
from playbooks.policy import Policy
from storage import inbox, people, replies
from storage.db import Database, Tx, Unreachable
from storage.inbox import Ask

log = structlog.get_logger(__name__)
ATTEMPTS = 3
LEASE_S = 30.0
LOOKS_AT_ONCE = 4
MET_MOST = 5000
GIVEN_BACK_AFTER_S = (0.5, 5.0)  # after the first and the second outage; then the lease has to run out


class Handles(Protocol):
    """What the worker needs of `commands.dispatch.Dispatch`."""

    async def handle(self, ask: Ask) -> Any:
        """Run the ask's command and settle it, in its own transaction."""


class Looks(Protocol):
    """What the worker needs of `playbooks.directory.Directory`."""

    async def refresh_account(self, kind: str, account: str) -> None:
        """Ask outside who this account is, bounded in time, and write it down."""


class Worker:
    """One process's worker. at_once: how many asks are handled at the same time; looks: who asks strangers' names."""

    def __init__(
        self, db: Database, dispatch: Handles, policy: Policy, metrics: Metrics, *, owner: str, at_once: int = 32,
        looks: Looks | None = None,
    ) -> None:  # fmt: skip
        self._db = db
        self._dispatch = dispatch
        self._policy = policy
        self._metrics = metrics
        self._owner = owner
        self._at_once = at_once
        self._mine: dict[str, Ask] = {}
        self._cut_off: dict[str, float] = {}  # key -> when it is given back; the database went away meanwhile
        self._tasks = Tasks("worker")
        self._looks = looks
        self._looking = Tasks("worker looks")
        self._met: set[str] = set()
        self.duty = Duty("worker", db, self._take, owner=owner, topics=("inbox",))
        self._renewal: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to take asks."""
        self._renewal = asyncio.create_task(self._renew(), name="worker leases")
        await self.duty.start()

    async def stop(self, *, grace_s: float = 10.0) -> None:
        """Take nothing new, finish what is in hand (at most grace_s), give the rest back."""
        await self.duty.stop()
        await self._tasks.finish(grace_s)
        await self._looking.finish(0.0)
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
        for key in [*self._mine, *self._cut_off]:
            with contextlib.suppress(Unreachable):
                await self._db.write(self._releasing(key))

    def wake(self) -> None:
        """There may be an ask."""
        self.duty.wake()

    async def _take(self) -> bool:
        room = self._at_once - len(self._mine)
        if room <= 0:
            return False
        owner, now = self._owner, time.monotonic()
        back = [key for key, when in self._cut_off.items() if when <= now]

        def take(tx: Tx) -> list[Ask]:
            for key in back:
                inbox.release(tx, key, owner)
            return inbox.claim(tx, owner, limit=room, lease_s=LEASE_S)

        asks = await self._db.write(take)
        for key in back:
            self._cut_off.pop(key, None)
        for found in asks:
            if found.key not in self._mine:
                ask = replace(found, attempts=found.attempts + 1)  # this claim counts
                self._mine[ask.key] = ask
                self._tasks.start(self._one(ask))
        return bool(asks) and len(asks) == room

    async def _one(self, ask: Ask) -> None:
        """Handle one ask; the catch-all of the worker. `ask.attempts` counts the claims, this one with them."""
        try:
            if ask.attempts > ATTEMPTS:
                # Claimed three times and never settled: its handling ends processes. Do not let it end this one.
                await self._bury(ask)
            else:
                await self._dispatch.handle(ask)
                self._metrics.handled.labels("handled").inc()
                self._acquaint(ask)
        except Unreachable as error:
            log.warning("worker.database_unreachable", kind=ask.kind, error=str(error))
            self._leave(ask)
        except Exception as error:  # noqa: BLE001  (the worker loop's one catch-all)
            log.error("worker.ask_failed", kind=ask.kind, attempt=ask.attempts, error=type(error).__name__)
            await self._failed(ask)
        finally:
            self._mine.pop(ask.key, None)
            self.duty.wake()

    def _leave(self, ask: Ask) -> None:
        """The database went away under it: give it back soon after it answers again, so that nobody waits for a lease.

        Each time later, since it is a try that counts: an ask that itself ends connections must not be tried for ever.
        """
        if ask.attempts <= len(GIVEN_BACK_AFTER_S):
            self._cut_off[ask.key] = time.monotonic() + GIVEN_BACK_AFTER_S[ask.attempts - 1]

    def _acquaint(self, ask: Ask) -> None:
        """After somebody's first ask, learn their name: a person in no group would stay an opaque id on timelines."""
        if self._looks is None or ask.account_kind != "slack" or ask.account in self._met:
            return
        if len(self._looking) >= LOOKS_AT_ONCE:
            return  # at their next ask
        if len(self._met) >= MET_MOST:
            self._met.clear()
        self._met.add(ask.account)
        self._looking.start(self._look_up(self._looks, ask.account))

    async def _look_up(self, looks: Looks, account: str) -> None:
        try:
            if await self._db.read(lambda tx: _unlooked(tx, account)):
                await looks.refresh_account("slack", account)
            unknown = await self._db.read(lambda tx: _unlooked(tx, account))
        except Unreachable:
            unknown = True
        if unknown:
            self._met.discard(account)  # Slack did not say: once more after their next ask

    async def _failed(self, ask: Ask) -> None:
        self._metrics.handled.labels("failed").inc()
        try:
            if ask.attempts >= ATTEMPTS:
                await self._bury(ask)
            else:
                await asyncio.sleep(0.3 * ask.attempts)
                await self._db.write(self._releasing(ask.key))
        except Unreachable as error:
            log.warning("worker.not_settled", kind=ask.kind, error=str(error))

    async def _bury(self, ask: Ask) -> None:
        """Settle it as dead and tell whoever waits for it, else the administrators, in one transaction."""
        asked = f"/{ask.line}" if ask.line else ""
        reply = Reply(text=words.dead(self._policy, asked, ATTEMPTS), ok=False).model_dump(mode="json")

        def work(tx: Tx) -> bool:
            if not inbox.settle(tx, ask.key, "dead", error="failed three times"):
                return False
            if not waits(ask):
                give_up(tx, self._policy, ask, "its handling ended Muster's process")
                return True
            replies.add(
                tx, ask=ask.key, account_kind=ask.account_kind, account=ask.account, channel=ask.channel, body=reply,
                id=f"{ask.key}:dead",
            )  # fmt: skip
            return True

        if await self._db.write(work):
            self._metrics.handled.labels("dead").inc()
            log.error("worker.ask_dead", kind=ask.kind, words=" ".join(ask.line.split()[:2]))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            if self._mine:
                with contextlib.suppress(Unreachable):
                    await self._db.write(self._keep)

    def _releasing(self, key: str) -> Callable[[Tx], None]:
        return lambda tx: inbox.release(tx, key, self._owner)

    def _keep(self, tx: Tx) -> None:
        inbox.renew(tx, self._owner, list(self._mine), lease_s=LEASE_S)


def _unlooked(tx: Tx, account: str) -> bool:
    row = people.account(tx, "slack", account)
    return row is not None and row.state == people.UNVERIFIED
