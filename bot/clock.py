"""The clock: timers that are due become asks, once, on the database's time.

Belongs here: that move, and forgetting response_urls. Does not belong here: what a timer means (commands/).
An ask of a timer: kind "timer", line "timer <kind> <subject>", via "clock", account_kind "muster", account "clock",
values {"timer": kind, "subject": subject, "due_at": ISO 8601, **payload}.
"""

from __future__ import annotations

import time

from bot.duty import Duty
from storage import inbox, timers
from storage.db import Database, Tx
from storage.inbox import Ask
from storage.timers import Timer
from storage.types import iso

TAKE = 50
BLANK_EVERY_S = 60.0


class Clock:
    """One for the whole installation, under the lease "clock"."""

    def __init__(self, db: Database, *, owner: str) -> None:
        self._db = db
        self._blank_at = 0.0
        self.duty = Duty("clock", db, self.tick, owner=owner, lease=True, topics=("timers",))

    async def start(self) -> None:
        """Begin."""
        await self.duty.start()

    async def stop(self) -> None:
        """End; another replica's clock takes over at once."""
        await self.duty.stop()

    def wake(self) -> None:
        """A timer may have been set."""
        self.duty.wake()

    async def tick(self) -> bool:
        """Fire what is due. True when there may be more."""
        fired = await self._db.write(fire)
        if time.monotonic() >= self._blank_at:
            await self._db.write(inbox.blank_urls)
            self._blank_at = time.monotonic() + BLANK_EVERY_S
        return fired == TAKE


def fire(tx: Tx) -> int:
    """Take due timers and store their asks in this one transaction: a timer fires exactly once."""
    due = timers.take_due(tx, limit=TAKE)
    if due:
        inbox.store(tx, [_ask(timer) for timer in due])
    return len(due)


def _ask(timer: Timer) -> Ask:
    at = iso(timer.due_at)
    return Ask(
        key=f"timer:{timer.kind}:{timer.subject}:{at}",
        kind="timer",
        line=f"timer {timer.kind} {timer.subject}",
        account_kind="muster",
        account="clock",
        via="clock",
        values={**timer.payload, "timer": timer.kind, "subject": timer.subject, "due_at": at},
    )
