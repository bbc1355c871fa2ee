"""Cards: Slack messages that will be edited, as rows. `wanted` counts changes, `shown` the change last drawn.

States: waiting (not posted) -> posting (a post is on its way; after a crash it is looked for by its key) -> live ->
gone (deleted or its channel archived). Belongs here: the rows. Not: what a card shows (bot/cards, bot/render).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage.db import Tx
from storage.sql import later
from storage.tables import cards

# Lower is sooner: what holds people up comes before what keeps them informed.
PRIORITY = {"approval": 0, "question": 0, "decision": 0, "run": 1, "public": 1, "board": 2, "status_page": 2,
            "triage": 2, "announcement": 3, "home": 3}  # fmt: skip


@dataclass(frozen=True)
class Card:
    """One card row. kind: a key of PRIORITY; subject: INC-42, run id, approval id, …"""

    kind: str
    subject: str
    stream: str
    channel: str | None
    ts: str | None
    wanted: int
    shown: int
    shown_hash: str | None
    state: str
    posting_key: str | None
    attempts: int


_NAMES = (
    "kind", "subject", "stream", "channel", "ts", "wanted", "shown", "shown_hash", "state", "posting_key", "attempts",
)  # fmt: skip


def want(tx: Tx, kind: str, subject: str, stream: str) -> None:
    """Ask for a card to be drawn (first time) or redrawn. Cheap; call it with every change of what it shows."""
    row = {
        "kind": kind, "subject": subject, "stream": stream, "priority": PRIORITY[kind], "wanted": 1, "shown": 0,
        "state": "waiting", "attempts": 0, "not_before": tx.now,
    }  # fmt: skip
    tx.conn.execute(_wanted(tx.sqlite), row)
    tx.hint("cards")


@lru_cache(maxsize=2)
def _wanted(sqlite: bool) -> Any:
    statement = sqlite_insert(cards) if sqlite else pg_insert(cards)
    mine = [cards.c.kind, cards.c.subject]
    return statement.on_conflict_do_update(index_elements=mine, set_={"wanted": cards.c.wanted + 1})


def due(tx: Tx, *, limit: int = 100) -> list[Card]:
    """Cards whose picture is older than what they should show, most urgent first."""
    query = (
        select(*[cards.c[name] for name in _NAMES])
        .where(cards.c.wanted > cards.c.shown, cards.c.state != "gone", cards.c.not_before <= tx.now)
        .order_by(cards.c.priority, cards.c.not_before)
        .limit(limit)
    )
    return [Card(**row) for row in tx.conn.execute(query).mappings()]


def get(tx: Tx, kind: str, subject: str) -> Card | None:
    """One card, or None when nobody wanted it yet."""
    query = select(*[cards.c[name] for name in _NAMES]).where(cards.c.kind == kind, cards.c.subject == subject)
    row = tx.conn.execute(query).mappings().first()
    return Card(**row) if row else None


def by_message(tx: Tx, channel: str, ts: str) -> Card | None:
    """The card that is this message, or None."""
    query = select(*[cards.c[name] for name in _NAMES]).where(cards.c.channel == channel, cards.c.ts == ts)
    row = tx.conn.execute(query).mappings().first()
    return Card(**row) if row else None


def posting(tx: Tx, card: Card, channel: str) -> str:
    """Write down that the first post is on its way; returns the key its metadata carries."""
    key = card.posting_key or secrets.token_hex(8)
    _set(tx, card, state="posting", channel=channel, posting_key=key, attempts=card.attempts + 1)
    return key


def adopt(tx: Tx, kind: str, subject: str, *, channel: str, key: str) -> None:
    """Have a card take over a message that was posted for it without a row: it is looked for by its key, then drawn."""
    mine = update(cards).where(cards.c.kind == kind, cards.c.subject == subject, cards.c.state == "waiting")
    tx.conn.execute(mine.values(state="posting", channel=channel, posting_key=key))


def shown(tx: Tx, card: Card, *, channel: str, ts: str, digest: str) -> None:
    """The message now shows change number `card.wanted`."""
    _set(tx, card, state="live", channel=channel, ts=ts, shown=card.wanted, shown_hash=digest, attempts=0, error=None)


def held(tx: Tx, card: Card, error: str, *, in_s: float) -> None:
    """It could not be drawn now (rate limit, Slack down, no channel yet): look again later."""
    _set(tx, card, error=error, not_before=later(tx, in_s), attempts=card.attempts + 1)


def gone(tx: Tx, card: Card, error: str) -> None:
    """The message or its channel is no more; it is not drawn again."""
    _set(tx, card, state="gone", error=error, shown=card.wanted)


def wake(tx: Tx, stream: str) -> None:
    """Something the stream's cards waited for is there (its channel): draw them now."""
    query = update(cards).where(cards.c.stream == stream, cards.c.wanted > cards.c.shown).values(not_before=tx.now)
    tx.conn.execute(query)
    tx.hint("cards")


def _set(tx: Tx, card: Card, **values: Any) -> None:
    mine: Mapping[str, Any] = values
    tx.conn.execute(update(cards).where(cards.c.kind == card.kind, cards.c.subject == card.subject).values(**mine))


def redraws(tx: Tx, stream: str) -> int:
    """How often cards of a stream were to be drawn anew: the same number means that none of them looks different."""
    query = select(func.coalesce(func.sum(cards.c.wanted), 0)).where(cards.c.stream == stream)
    return int(tx.conn.execute(query).scalar_one())
