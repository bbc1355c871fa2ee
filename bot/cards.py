"""The projector: draws cards from rows and keeps their messages up to date. One per workspace, under a lease.

Belongs here: when to post, update, look for a lost post, move, wait. Does not belong here: what a card shows
(bot/render), where it belongs (places.py). A card can be redrawn at any time from the rows and is never evidence.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from bot.duty import Duty
from bot.metrics import Metrics
from bot.places import Place, Places, read_place
from bot.render import announcement, approval, board, decision, home, public, question, run, status_page, triage
from bot.render.blocks import Drawn
from bot.tasks import Tasks
from commands.hooks import home as home_hook
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.slack import Slack
from playbooks.connectors.slack_words import Message
from playbooks.errors import MusterError, Refused, Temporary
from playbooks.policy import Policy
from storage import cards, incidents
from storage.cards import Card
from storage.db import Database, Tx, Unreachable

log = structlog.get_logger(__name__)

EVENT = "muster_card"
AT_ONCE = 8
COALESCE_S = 1.0  # between two updates of one message: chat.update is tier 3 (contract A7)
LONGEST_WAIT_S = 120.0
LOOK_BACK_S = 86_400.0
PIN_WITHIN_S = 2.0
HOMES_S = 3.0  # between two rounds of redrawing Home tabs
NO_HOME_S = 600.0  # the tab is turned off, or the person cannot have one
ON_HOMES = ("board", "approval", "decision", "triage")
DELETED = ("message_not_found", "cant_update_message", "edit_window_closed")
KINDS: dict[str, Any] = {
    "board": board, "announcement": announcement, "approval": approval, "run": run, "question": question,
    "status_page": status_page, "decision": decision, "public": public, "triage": triage, "home": home,
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
        self._busy: set[tuple[str, str]] = set()
        self._homes_stale, self._homes_at = False, float("-inf")
        self._drawing = Tasks("cards")
        self._pins = Tasks("pins")
        self.duty = Duty("cards", db, self.draw_due, owner=owner, lease=True, topics=("cards",))

    def follow(self, policy: Policy) -> None:
        """Draw by this policy from now on."""
        self._policy = policy

    async def start(self) -> None:
        """Begin to draw."""
        await self.duty.start()

    async def stop(self) -> None:
        """End; another replica's projector takes over at once."""
        await self.duty.stop()
        await self._drawing.finish(3.0)
        await self._pins.finish(2.0)

    def wake(self) -> None:
        """A card may be due."""
        self.duty.wake()

    async def draw_due(self) -> bool:
        """Take up what is due, most urgent first, as many at once as may be; each that is done looks for the next.

        Nothing waits for a slow message of another card: an approval takes the next place that becomes free.
        """
        if self._homes_stale:
            await self._homes()
        free = AT_ONCE - len(self._busy)
        due = await self._db.read(cards.due) if free > 0 else []
        idle = [card for card in due if (card.kind, card.subject) not in self._busy]
        for card in idle[: max(0, free)]:
            self._busy.add((card.kind, card.subject))
            self._drawing.start(self._one(card)).add_done_callback(partial(self._ended, card))
        return False

    async def settle(self) -> None:
        """Wait for the cards being drawn now."""
        await self._drawing.finish(LONGEST_WAIT_S)

    async def _one(self, card: Card) -> None:
        try:
            await self._card(card)
        except Unreachable as error:
            log.warning("cards.database_unreachable", error=str(error))
            await asyncio.sleep(1.0)

    def _ended(self, card: Card, task: asyncio.Task[None]) -> None:
        """Give its place free. A card a fault (logged) keeps from being drawn is put aside for a while."""
        if not task.cancelled() and task.exception() is not None:
            self._drawing.start(self._aside(card))
        else:
            self._free(card)

    async def _aside(self, card: Card) -> None:
        try:
            await self._hold(card, "a fault in Muster, see its log", max(5.0, _backoff(card)))
        finally:
            self._free(card)

    def _free(self, card: Card) -> None:
        self._busy.discard((card.kind, card.subject))
        self.duty.wake()

    async def _card(self, card: Card) -> None:
        """Bring one card up to date, or write down until when it has to wait."""
        last = self._updated.get((card.kind, card.subject), 0.0)
        if (wait := last + COALESCE_S - time.monotonic()) > 0:
            await self._hold(card, "", wait)
            return
        try:
            await self._show(await self._db.read(lambda tx: self._picture(tx, card)))
        except Temporary as error:
            await self._hold(card, error.message, error.retry_after or _backoff(card))
        except Refused as error:
            log.warning("cards.refused", kind=card.kind, subject=card.subject, error=error.message)
            await self._hold(card, error.message, _backoff(card))
        except MusterError as error:
            await self._hold(card, error.message, _backoff(card))  # a post that may have arrived is looked for first

    def _picture(self, tx: Tx, card: Card) -> _Picture:
        """Row, place and picture, from one snapshot: what is shown is never older than `wanted` says."""
        fresh = cards.get(tx, card.kind, card.subject) or card
        found = KINDS[card.kind].read(tx, card.subject, self._policy, self._url)
        place = read_place(tx, fresh, self._policy)
        return _Picture(fresh, KINDS[card.kind].draw(*found) if found is not None else None, place)

    async def _show(self, picture: _Picture) -> None:
        card, place = picture.card, picture.place
        if picture.drawn is None:
            await self._db.write(lambda tx: cards.gone(tx, card, "there is nothing to show"))
            return
        if place.channel is None:
            await self._db.write(lambda tx: self._wait_for_place(tx, card, place))
            self._wake_in(place.wait_s)
            return
        if card.kind == "home":
            await self._publish(card, place.channel, picture.drawn)
            return
        channel = await self._places.id_of(place.channel)
        if card.state == "live" and card.ts and card.channel == channel:
            await self._update(card, channel, card.ts, picture.drawn)
        else:
            await self._first(card, channel, picture.drawn)

    async def _publish(self, card: Card, user: str, drawn: Drawn) -> None:
        """Show a person their Home tab. It is no message: nothing is posted, found again or told."""
        if drawn.digest != card.shown_hash:
            try:
                await self._slack.publish_home(user, list(drawn.blocks))
            except Refused as error:
                log.warning("cards.no_home", error=error.message)
                await self._hold(card, error.message, NO_HOME_S)
                return
            self._drawn(card, "updated")
        await self._db.write(lambda tx: cards.shown(tx, card, channel=user, ts="home", digest=drawn.digest))

    async def _homes(self) -> None:
        """What Homes show has changed: those that are looked at are drawn again, every few seconds at most."""
        wait = self._homes_at + HOMES_S - time.monotonic()
        if wait > 0:
            self._wake_in(wait)
            return
        self._homes_stale, self._homes_at = False, time.monotonic()
        await self._db.write(home_hook.refresh)

    async def _first(self, card: Card, channel: str, drawn: Drawn) -> None:
        """Post it. `posting` stands on the record first; a post that may have arrived is looked for before another."""
        begun = card.state == "posting" and card.posting_key is not None and card.channel is not None
        lost = begun and (card.channel == channel or str(card.channel).startswith("#"))  # then: under its name
        moved = (card.channel, card.ts) if card.ts and card.channel and card.channel != channel else None
        if not await self.duty.holds():
            return
        key = await self._db.write(lambda tx: cards.posting(tx, card, channel))
        found = await self._lost_post(channel, key) if lost else None
        if found is None:
            metadata = {"event_type": EVENT, "event_payload": {"key": key, "kind": card.kind, "subject": card.subject}}
            found = await self._slack.post(channel, drawn.text, blocks=list(drawn.blocks), metadata=metadata)
            digest = drawn.digest
        else:
            digest = ""  # it shows what it showed then: the next look updates it
        channel, ts = found.channel, found.ts
        # Before the row says that it stands: whoever is struck in between is found by its key, and pinned then.
        pinned = card.kind != "board" or await self._pinned(channel, ts)

        def keep(tx: Tx) -> None:
            cards.shown(tx, card, channel=channel, ts=ts, digest=digest)
            incidents.told(tx, card.stream, card.kind, card.subject, channel, ts)
            if not digest:
                cards.want(tx, card.kind, card.subject, card.stream)

        await self._db.write(keep)
        self._drawn(card, "posted")
        if not pinned:
            self._pins.start(self._pin(channel, ts))
        if moved is not None:
            self._pins.start(self._moved(*moved, channel))

    async def _lost_post(self, channel: str, key: str) -> Message | None:
        """The message a crash or a silent Slack left behind, or None. Where we may not look, it is posted again."""
        try:
            return await self._slack.find_by_metadata(channel, EVENT, key, oldest=time.time() - LOOK_BACK_S)
        except Refused as error:
            log.warning("cards.cannot_look", error=error.message)
            return None

    async def _update(self, card: Card, channel: str, ts: str, drawn: Drawn) -> None:
        digest = drawn.digest
        if digest != card.shown_hash:
            try:
                await self._slack.update(channel, ts, drawn.text, blocks=list(drawn.blocks))
            except ServiceRefused as error:
                if error.code in DELETED:
                    await self._again(card, channel, drawn)
                elif error.code == "is_archived":
                    await self._db.write(lambda tx: cards.gone(tx, card, "its channel is archived"))
                else:
                    raise
                return
            self._drawn(card, "updated")
        await self._db.write(lambda tx: cards.shown(tx, card, channel=channel, ts=ts, digest=digest))

    async def _again(self, card: Card, channel: str, drawn: Drawn) -> None:
        """Somebody deleted the message. A card is never lost: it is posted anew."""
        log.warning("cards.deleted", kind=card.kind, subject=card.subject)
        fresh = Card(**{**card.__dict__, "state": "waiting", "ts": None, "posting_key": None})
        await self._first(fresh, channel, drawn)

    async def _pinned(self, channel: str, ts: str) -> bool:
        """Pin the board once; False: Slack is slow, to be tried on beside the card, which waits no longer."""
        try:
            async with asyncio.timeout(PIN_WITHIN_S):
                await self._slack.pin(channel, ts)
        except (TimeoutError, Temporary):
            return False
        except MusterError as error:
            log.warning("cards.not_pinned", error=error.message)
        return True

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
        self._homes_stale |= card.kind in ON_HOMES
        if len(self._updated) > 5000:
            self._updated.clear()
        self._metrics.drawn.labels(card.kind, how).inc()

    async def _hold(self, card: Card, why: str, seconds: float) -> None:
        await self._db.write(lambda tx: cards.held(tx, card, why, in_s=seconds))
        self._wake_in(seconds)

    def _wake_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds + 0.01, self.duty.wake)

    def _wait_for_place(self, tx: Tx, card: Card, place: Place) -> None:
        """Hold it, then look again in the same transaction: its channel may have opened since the picture was drawn,
        and the wake that came with it must not be overwritten. The row is locked first, so none comes in between."""
        cards.held(tx, card, place.why, in_s=place.wait_s)
        if read_place(tx, card, self._policy).channel is not None:
            cards.held(tx, card, place.why, in_s=0.0)
            tx.hint("cards")


def _backoff(card: Card) -> float:
    return min(LONGEST_WAIT_S, 2.0 ** min(card.attempts, 7))
