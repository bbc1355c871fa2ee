"""Answers are rows: added once, taken by one sender, kept when no route works."""

from __future__ import annotations

import asyncio

from storage import replies
from storage.db import Database, Tx


def put(tx: Tx, text: str = "hello", **more: object) -> str:
    to = {"ask": "k1", "account_kind": "slack", "account": "T1/U1", "channel": "C1", "body": {"text": text}}
    return replies.add(tx, **{**to, **more})  # type: ignore[arg-type]


async def test_added_once_under_an_id_of_the_caller_s(db: Database) -> None:
    assert await db.write(lambda tx: [put(tx, id="r1"), put(tx, "other", id="r1")]) == ["r1", "r1"]
    (one,) = await db.write(lambda tx: replies.claim(tx, "w"))
    assert (one.id, one.body, one.channel, one.attempts) == ("r1", {"text": "hello"}, "C1", 0)


async def test_in_order_when_due_to_one_sender(db: Database) -> None:
    for text in ("one", "two"):
        await db.write(lambda tx, text=text: put(tx, text))
        await asyncio.sleep(0.005)
    await db.write(lambda tx: put(tx, "later", delay_s=1.5))
    assert [r.body["text"] for r in await db.write(lambda tx: replies.claim(tx, "w1"))] == ["one", "two"]
    assert await db.write(lambda tx: replies.claim(tx, "w2")) == []
    await asyncio.sleep(1.6)
    assert [r.body["text"] for r in await db.write(lambda tx: replies.claim(tx, "w2"))] == ["later"]


async def test_a_sender_that_died_is_replaced(db: Database) -> None:
    id = await db.write(put)
    await db.write(lambda tx: replies.claim(tx, "w1", lease_s=0.05))
    await asyncio.sleep(0.1)
    (again,) = await db.write(lambda tx: replies.claim(tx, "w2"))
    assert (again.id, again.attempts) == (id, 1)


async def test_sent_retried_lost(db: Database) -> None:
    sent, tried, lost = await db.write(lambda tx: [put(tx), put(tx), put(tx)])
    await db.write(lambda tx: replies.claim(tx, "w"))
    await db.write(lambda tx: replies.sent(tx, sent, "response_url"))
    await db.write(lambda tx: replies.retry(tx, tried, "429", in_s=0))
    await db.write(lambda tx: replies.lost(tx, lost, "no route"))
    assert [r.id for r in await db.write(lambda tx: replies.claim(tx, "w"))] == [tried]
    states = {row["id"]: (row["state"], row["route"]) for row in await db.read(lambda tx: replies.for_ask(tx, "k1"))}
    assert states == {sent: ("sent", "response_url"), tried: ("waiting", None), lost: ("lost", None)}
    assert await db.read(lambda tx: replies.urls_used(tx, "k1")) == 1


async def test_what_is_over_stays_over(db: Database) -> None:
    id = await db.write(put)
    await db.write(lambda tx: replies.sent(tx, id, "ephemeral"))
    await db.write(lambda tx: replies.lost(tx, id, "late"))
    await db.write(lambda tx: replies.retry(tx, id, "late", in_s=0))
    assert (await db.read(lambda tx: replies.for_ask(tx, "k1")))[0]["state"] == "sent"
    assert await db.write(lambda tx: replies.claim(tx, "w")) == []


async def test_many_senders_at_once_share_without_overlap(url: str) -> None:
    handles = [Database(url), Database(url)]
    await handles[0].write(lambda tx: [put(tx) for _ in range(20)])
    parts = await asyncio.gather(
        *(
            h.write(lambda tx, w=f"{i}{n}": replies.claim(tx, w, limit=3))
            for i, h in enumerate(handles)
            for n in range(5)
        )
    )
    ids = [one.id for part in parts for one in part]
    assert len(ids) == len(set(ids)) > 0
    for handle in handles:
        await handle.close()
