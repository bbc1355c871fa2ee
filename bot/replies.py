"""The sender: answers go out by the first route that works, at least once, and none is lost in silence.

Belongs here: routes and their order (design 9): response_url while it is young and has uses left, an ephemeral post in
the channel, a direct message. Does not belong here: how an answer looks (render/blocks.py), or its words (commands/).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import func, select

from bot.duty import Duty
from bot.metrics import Metrics
from bot.render.blocks import Drawn, draw_reply
from bot.tasks import Tasks
from playbooks.connectors.slack import Slack
from playbooks.errors import MusterError, Refused, Temporary
from storage import inbox, replies
from storage.db import Database, Tx, Unreachable
from storage.inbox import Ask
from storage.replies import Outgoing
from storage.tables import replies as rows

log = structlog.get_logger(__name__)

USES_MOST = 4  # of the five a response_url has: one is left for what nobody foresaw
URL_LIFE = timedelta(minutes=29)
KEPT_TRYING = timedelta(hours=12)
AT_ONCE = 24
LONGEST_WAIT_S = 60.0
LEASE_S = 30.0  # after so long another process sends what this one has not said to be sent
WRITTEN_AGAIN_S = 0.5
READ_THERE = {"cli": "terminal", "web": "page"}  # by the door an ask came through: where its answers are read


@dataclass(frozen=True)
class _Due:
    """One answer with what its routes depend on, all read in one transaction."""

    reply: Outgoing
    ask: Ask | None
    url: str | None
    old: bool


class Sender:
    """Sends the outbox. slack None: answers wait until Slack is configured (the terminal's never do)."""

    def __init__(self, db: Database, slack: Slack | None, metrics: Metrics, *, owner: str) -> None:
        self._db = db
        self._slack = slack
        self._metrics = metrics
        self._owner = owner
        self._in_hand = 0
        self._last: dict[str, asyncio.Task[None]] = {}
        self._sending = Tasks("replies")
        self.duty = Duty("replies", db, self.send_due, owner=owner, topics=("replies",))

    async def start(self) -> None:
        """Begin to send."""
        await self.duty.start()

    async def stop(self) -> None:
        """Stop; what is unsent is sent by the next process."""
        await self.duty.stop()
        await self._sending.finish(3.0)

    def wake(self) -> None:
        """There may be an answer."""
        self.duty.wake()

    async def send_due(self) -> bool:
        """Take up what is due, as many at once as may be. True when there may be more.

        Answers to one ask keep their order; nobody's answer waits for a slow one of somebody else.
        """
        free = AT_ONCE - self._in_hand
        due = await self._db.write(lambda tx: _claim(tx, self._owner, free)) if free > 0 else []
        by_ask: dict[str, list[_Due]] = {}
        for one in due:
            by_ask.setdefault(one.reply.ask or one.reply.id, []).append(one)
        self._in_hand += len(due)
        for key, group in by_ask.items():
            task = self._sending.start(self._in_order(self._last.get(key), group))
            self._last[key] = task
            task.add_done_callback(partial(self._forget, key))
        return len(due) == free > 0

    async def settle(self) -> None:
        """Wait for the answers being sent now."""
        await self._sending.finish(LONGEST_WAIT_S)

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        if self._last.get(key) is task:
            del self._last[key]

    async def _in_order(self, before: asyncio.Task[None] | None, group: list[_Due]) -> None:
        try:
            if before is not None:
                await asyncio.wait([before])
            for one in group:
                await self._send(one)
        except Unreachable as error:
            log.warning("replies.database_unreachable", error=str(error))  # its lease runs out: sent again
        finally:
            self._in_hand -= len(group)
            self.duty.wake()

    async def _send(self, due: _Due) -> None:
        reply = due.reply
        if reply.account_kind == "cli" or (due.ask is not None and due.ask.via in READ_THERE):
            # Terminals and pages read their own answers from the outbox.
            await self._sent(reply, READ_THERE.get(due.ask.via if due.ask else "cli", "terminal"))
            return
        if reply.account_kind != "slack":
            await self._lost(reply, "nobody to tell: the ask came from a machine")
            return
        if self._slack is None:
            await self._later(reply, "Slack is not configured", 30.0)
            return
        drawn = draw_reply(reply.body)
        refusals: list[str] = []
        wait: float | None = None
        for route, call in self._routes(self._slack, due, drawn):
            try:
                await call()
            except Refused as error:
                refusals.append(f"{route}: {error.message}")
            except Temporary as error:
                refusals.append(f"{route}: {error.message}")
                wait = max(wait or 0.0, error.retry_after or _backoff(reply))
            except MusterError as error:
                # It may have arrived. Said twice is better than never, but not by another route at once.
                refusals.append(f"{route}: {error.message}")
                wait = _backoff(reply)
                break
            else:
                await self._sent(reply, route)
                return
        words = "; ".join(refusals)[:500]
        if wait is not None and not due.old:
            await self._later(reply, words, wait)
        else:
            await self._lost(reply, words)

    def _routes(self, slack: Slack, due: _Due, drawn: Drawn) -> Iterator[tuple[str, Callable[[], Awaitable[object]]]]:
        user = due.reply.account.rpartition("/")[2]
        blocks = list(drawn.blocks)
        if url := due.url:
            yield "response_url", lambda: slack.respond(url, drawn.text, blocks=blocks)
        if channel := due.reply.channel:
            yield "ephemeral", lambda: slack.ephemeral(channel, user, drawn.text, blocks=blocks)
        yield "direct", lambda: slack.direct_message(user, drawn.text, blocks=blocks)

    async def _known(self, work: Callable[[Tx], None]) -> None:
        """Write down what became of an answer. While the database is away it is tried on, until the lease ends: what
        was said and is not written down would be said again."""
        end = time.monotonic() + LEASE_S
        while True:
            try:
                return await self._db.write(work)
            except Unreachable:
                if time.monotonic() + WRITTEN_AGAIN_S > end:
                    raise
            await asyncio.sleep(WRITTEN_AGAIN_S)

    async def _sent(self, reply: Outgoing, route: str) -> None:
        await self._known(lambda tx: replies.sent(tx, reply.id, route))
        self._metrics.sent.labels(route).inc()

    async def _later(self, reply: Outgoing, error: str, in_s: float) -> None:
        log.warning("replies.later", reply=reply.id, in_s=round(in_s, 1), attempt=reply.attempts + 1)
        await self._known(lambda tx: replies.retry(tx, reply.id, error, in_s=in_s))

    async def _lost(self, reply: Outgoing, error: str) -> None:
        level = log.info if reply.account_kind != "slack" else log.error
        level("replies.lost", reply=reply.id, error=error)
        await self._known(lambda tx: replies.lost(tx, reply.id, error))
        self._metrics.sent.labels("lost").inc()


def _claim(tx: Tx, owner: str, limit: int) -> list[_Due]:
    return [_due(tx, reply) for reply in replies.claim(tx, owner, limit=limit, lease_s=LEASE_S)]


def _due(tx: Tx, reply: Outgoing) -> _Due:
    ask = inbox.get(tx, reply.ask) if reply.ask else None
    url = None
    if ask is not None and ask.response_url and ask.received_at and tx.now - ask.received_at < URL_LIFE:
        used = replies.urls_used(tx, ask.key)
        # A try that went unanswered may have used it up as well.
        tries = tx.conn.execute(
            select(func.coalesce(func.sum(rows.c.attempts), 0)).where(rows.c.ask == ask.key, rows.c.state == "waiting")
        ).scalar_one()
        if used + max(0, int(tries) - 1) < USES_MOST:
            url = ask.response_url
    return _Due(reply, ask, url, tx.now - reply.created_at > KEPT_TRYING)


def _backoff(reply: Outgoing) -> float:
    return min(LONGEST_WAIT_S, 2.0 ** min(reply.attempts, 6))
