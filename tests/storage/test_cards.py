"""A card is wanted as often as rows change, drawn once per change, found again after an uncertain post."""

from __future__ import annotations

import asyncio

import pytest

from storage import cards
from storage.db import Database, Tx
from storage.timeline import Entry, append


async def test_wanting_counts_and_drawing_catches_up(db: Database) -> None:
    for _ in range(3):
        await db.write(lambda tx: cards.want(tx, "board", "INC-1", "INC-1"))
    (card,) = await db.read(cards.due)
    assert (card.state, card.wanted, card.shown, card.channel) == ("waiting", 3, 0, None)
    await db.write(lambda tx: cards.want(tx, "board", "INC-1", "INC-1"))
    await db.write(lambda tx: cards.shown(tx, card, channel="C1", ts="1.1", digest="aa"))
    (still,) = await db.read(cards.due)
    assert (still.state, still.wanted, still.shown, still.shown_hash) == ("live", 4, 3, "aa")
    await db.write(lambda tx: cards.shown(tx, still, channel="C1", ts="1.1", digest="bb"))
    assert await db.read(cards.due) == []
    assert await db.read(lambda tx: cards.by_message(tx, "C1", "1.1")) == await db.read(
        lambda tx: cards.get(tx, "board", "INC-1")
    )
    assert await db.read(lambda tx: (cards.by_message(tx, "C1", "9.9"), cards.get(tx, "run", "none"))) == (None, None)


async def test_what_holds_people_up_comes_first(db: Database) -> None:
    for kind in ("announcement", "board", "run", "approval"):
        await db.write(lambda tx, kind=kind: cards.want(tx, kind, "x", "INC-1"))
    assert [card.kind for card in await db.read(cards.due)] == ["approval", "run", "board", "announcement"]
    assert [card.kind for card in await db.read(lambda tx: cards.due(tx, limit=1))] == ["approval"]


async def test_the_key_of_a_first_post_stays_until_it_is_found(db: Database) -> None:
    await db.write(lambda tx: cards.want(tx, "board", "INC-1", "INC-1"))
    (card,) = await db.read(cards.due)
    key = await db.write(lambda tx: cards.posting(tx, card, "C1"))
    (again,) = await db.read(cards.due)
    assert (again.state, again.posting_key, again.attempts) == ("posting", key, 1)
    assert await db.write(lambda tx: cards.posting(tx, again, "C1")) == key


async def test_held_back_then_woken(db: Database) -> None:
    await db.write(lambda tx: cards.want(tx, "board", "INC-1", "INC-1"))
    (card,) = await db.read(cards.due)
    await db.write(lambda tx: cards.held(tx, card, "429", in_s=60))
    assert await db.read(cards.due) == []
    await db.write(lambda tx: cards.wake(tx, "INC-2"))
    assert await db.read(cards.due) == []
    await db.write(lambda tx: cards.wake(tx, "INC-1"))
    await asyncio.sleep(0.01)
    assert len(await db.read(cards.due)) == 1


async def test_what_is_gone_is_not_drawn_again(db: Database) -> None:
    await db.write(lambda tx: cards.want(tx, "board", "INC-1", "INC-1"))
    (card,) = await db.read(cards.due)
    await db.write(lambda tx: cards.gone(tx, card, "channel archived"))
    await db.write(lambda tx: cards.want(tx, "board", "INC-1", "INC-1"))
    assert await db.read(cards.due) == []


async def test_a_card_no_change_rolled_back_is_not_wanted(db: Database) -> None:
    def work(tx: Tx) -> None:
        cards.want(tx, "board", "INC-1", "INC-1")
        append(tx, "INC-1", Entry("x", "P-1", {"n": {1}}))

    with pytest.raises(ValueError):
        await db.write(work)
    assert await db.read(lambda tx: cards.get(tx, "board", "INC-1")) is None
