"""The projector: draws cards from rows and keeps their messages up to date. One per workspace, under a lease.

Belongs here: when to post, update, look for a lost post, move, wait. Does not belong here: what a card shows
(bot/render), where it belongs (places.py). A card can be redrawn at any time from the rows and is never evidence.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import structlog

from bot.duty import Duty
from bot.metrics import Metrics
from bot.places import Place, Places, read_place
from bot.render import announcement, approval, board, question, run, status_page
from bot.render.blocks import Drawn
from bot.tasks import Tasks
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.slack import Slack
from playbooks.connectors.slack_words import Message
from playbooks.errors import MusterError, Refused, Temporary
from playbooks.policy import Policy
from storage import cards, incidents
from storage.cards import Card
from storage.db import Database, Tx

log = structlog.get_logger(__name__)

EVENT = "muster_card"
AT_ONCE = 8
COALESCE_S = 1.0  # between two updates of one message: chat.update is tier 3 (contract A7)
LONGEST_WAIT_S = 120.0
LOOK_BACK_S = 86_400.0
DELETED = ("message_not_found", "cant_update_message", "edit_window_closed")
KINDS: dict[str, Any] = {
    "board": board, "announcement": announcement, "approval": approval, "run": run, "question": question,
    "status_page": status_page,
}  # fmt: skip


@dataclass(frozen=True)
class _Picture:
    """What is to be shown, where, for the card row as it was read in the same transaction."""

    card: Card
    drawn: Drawn | None
    place: Place


class Projector:
    """Draws due cards. url: Muster's address, for links."""

    def __init__(self, db: Database, slack: Slack, policy: Policy, metrics: Metrics, *, url: str, owner: str) -> None:
        self._db = db
        self._slack = slack
        self._policy = policy
        self._metrics = metrics
        self._url = url
        self._places = Places(slack)
        self._updated: dict[tuple[str, str], float] = {}
        self._pins = Tasks("pins")
        self._duty = Duty("cards", db, self.draw_due, owner=owner, lease=True, topics=("cards",))

    async def start(self) -> None:
        """Begin to draw."""
        await self._duty.start()

    async def stop(self) -> None:
        """End; another replica's projector takes over at once."""
        await self._duty.stop()
        await self._pins.finish(2.0)

    def wake(self) -> None:
        """A card may be due."""
        self._duty.wake()

    async def draw_due(self) -> bool:
        """Draw what is due, most urgent first. True when something was drawn: there may be more."""
        due = await self._db.read(cards.due)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(card: Card) -> bool:
            async with gate:
                return await self._card(card)

        return any(await asyncio.gather(*(one(card) for card in due)))

    async def _card(self, card: Card) -> bool:
        """Bring one card up to date. False: it has to wait."""
        last = self._updated.get((card.kind, card.subject), 0.0)
        if (wait := last + COALESCE_S - time.monotonic()) > 0:
            await self._hold(card, "", wait)
            return False
        try:
            return await self._show(await self._db.read(lambda tx: self._picture(tx, card)))
        except Temporary as error:
            await self._hold(card, error.message, error.retry_after or _backoff(card))
        except Refused as error:
            log.warning("cards.refused", kind=card.kind, subject=card.subject, error=error.message)
            await self._hold(card, error.message, _backoff(card))
        except MusterError as error:
            await self._hold(card, error.message, _backoff(card))  # a post that may have arrived is looked for first
        return False

    def _picture(self, tx: Tx, card: Card) -> _Picture:
        """Row, place and picture, from one snapshot: what is shown is never older than `wanted` says."""
        fresh = cards.get(tx, card.kind, card.subject) or card
        found = KINDS[card.kind].read(tx, card.subject, self._policy, self._url)
        place = read_place(tx, fresh, self._policy)
        return _Picture(fresh, KINDS[card.kind].draw(*found) if found is not None else None, place)

    async def _show(self, picture: _Picture) -> bool:
        card, place = picture.card, picture.place
        if picture.drawn is None:
            await self._db.write(lambda tx: cards.gone(tx, card, "there is nothing to show"))
            return False
        if place.channel is None:
            await self._hold(card, place.why, place.wait_s)
            return False
        channel = await self._places.id_of(place.channel)
        if card.state == "live" and card.ts and card.channel == channel:
            return await self._update(card, channel, card.ts, picture.drawn)
        return await self._first(card, channel, picture.drawn)

    async def _first(self, card: Card, channel: str, drawn: Drawn) -> bool:
        """Post it. `posting` stands on the record first; a post that may have arrived is looked for before another."""
        lost = card.state == "posting" and card.posting_key is not None and card.channel == channel
        moved = (card.channel, card.ts) if card.ts and card.channel and card.channel != channel else None
        if not await self._duty.holds():
            return False
        key = await self._db.write(lambda tx: cards.posting(tx, card, channel))
        found = await self._lost_post(channel, key) if lost else None
        if found is None:
            metadata = {"event_type": EVENT, "event_payload": {"key": key, "kind": card.kind, "subject": card.subject}}
            found = await self._slack.post(channel, drawn.text, blocks=list(drawn.blocks), metadata=metadata)
            digest = drawn.digest
        else:
            digest = ""  # it shows what it showed then: the next look updates it
        channel, ts = found.channel, found.ts

        def keep(tx: Tx) -> None:
            cards.shown(tx, card, channel=channel, ts=ts, digest=digest)
            incidents.told(tx, card.stream, card.kind, card.subject, channel, ts)
            if not digest:
                cards.want(tx, card.kind, card.subject, card.stream)

        await self._db.write(keep)
        self._drawn(card, "posted")
        if card.kind == "board":
            self._pins.start(self._pin(channel, ts))
        if moved is not None:
            self._pins.start(self._moved(*moved, channel))
        return True

    async def _lost_post(self, channel: str, key: str) -> Message | None:
        """The message a crash or a silent Slack left behind, or None. Where we may not look, it is posted again."""
        try:
            return await self._slack.find_by_metadata(channel, EVENT, key, oldest=time.time() - LOOK_BACK_S)
        except Refused as error:
            log.warning("cards.cannot_look", error=error.message)
            return None

    async def _update(self, card: Card, channel: str, ts: str, drawn: Drawn) -> bool:
        digest = drawn.digest
        if digest != card.shown_hash:
            try:
                await self._slack.update(channel, ts, drawn.text, blocks=list(drawn.blocks))
            except ServiceRefused as error:
                if error.code in DELETED:
                    return await self._again(card, channel, drawn)
                if error.code == "is_archived":
                    await self._db.write(lambda tx: cards.gone(tx, card, "its channel is archived"))
                    return False
                raise
            self._drawn(card, "updated")
        await self._db.write(lambda tx: cards.shown(tx, card, channel=channel, ts=ts, digest=digest))
        return True

    async def _again(self, card: Card, channel: str, drawn: Drawn) -> bool:
        """Somebody deleted the message. A card is never lost: it is posted anew."""
        log.warning("cards.deleted", kind=card.kind, subject=card.subject)
        fresh = Card(**{**card.__dict__, "state": "waiting", "ts": None, "posting_key": None})
        return await self._first(fresh, channel, drawn)

    async def _pin(self, channel: str, ts: str) -> None:
        """Pin the board; people can live without it, so a refusal is only logged."""
        for _ in range(4):
            try:
                await self._slack.pin(channel, ts)
                return
            except Temporary as error:
                await asyncio.sleep(min(error.retry_after or 2.0, 30.0))
            except MusterError as error:
                log.warning("cards.not_pinned", error=error.message)
                return

    async def _moved(self, channel: str, ts: str, to: str) -> None:
        """Leave a line behind where the card stood while its channel was missing."""
        try:
            await self._slack.update(channel, ts, f"This card has moved to <#{to}>.", blocks=[])
        except MusterError as error:
            log.warning("cards.not_marked_moved", error=error.message)

    def _drawn(self, card: Card, how: str) -> None:
        self._updated[(card.kind, card.subject)] = time.monotonic()
        if len(self._updated) > 5000:
            self._updated.clear()
        self._metrics.drawn.labels(card.kind, how).inc()

    async def _hold(self, card: Card, why: str, seconds: float) -> None:
        await self._db.write(lambda tx: cards.held(tx, card, why, in_s=seconds))
        asyncio.get_running_loop().call_later(seconds + 0.01, self._duty.wake)


def _backoff(card: Card) -> float:
    return min(LONGEST_WAIT_S, 2.0 ** min(card.attempts, 7))
