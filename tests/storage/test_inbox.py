"""An ask is stored once, claimed by one, and survives whoever claimed it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import select, update

from storage import inbox as box
from storage.db import Database
from storage.inbox import Ask
from storage.tables import inbox


def ask(key: str, **more: object) -> Ask:
    return Ask(key, "command", "incident note hello", "slack", "T1/U1", "slack", **more)  # type: ignore[arg-type]


async def test_a_repeat_has_no_effect(db: Database) -> None:
    full = ask("k1", values={"a": [1]}, team="T1", channel="C1", message_ts="1.2", response_url="https://x")
    assert await db.write(lambda tx: box.store(tx, [full, full, ask("k2")])) == {"k1", "k2"}
    assert await db.write(lambda tx: box.store(tx, [ask("k1"), ask("k3")])) == {"k3"}
    found = await db.read(lambda tx: box.get(tx, "k1"))
    assert found and found.received_at
    assert (found.values, found.channel, found.response_url, found.attempts) == ({"a": [1]}, "C1", "https://x", 0)
    assert await db.read(lambda tx: (box.get(tx, "none"), box.state(tx, "none"), box.state(tx, "k1"))) == (
        None, None, "received",
    )  # fmt: skip


async def test_the_same_ask_on_two_replicas_at_once_is_stored_once(url: str) -> None:
    handles = [Database(url), Database(url)]
    fresh = await asyncio.gather(*(h.write(lambda tx: box.store(tx, [ask("k")])) for h in handles for _ in range(5)))
    assert sorted(map(len, fresh)) == [0] * 9 + [1]
    for handle in handles:
        await handle.close()


async def test_oldest_first_and_each_to_one_claimer(db: Database) -> None:
    for n in range(4):
        await db.write(lambda tx, n=n: box.store(tx, [ask(f"k{n}")]))
        await asyncio.sleep(0.005)
    assert [a.key for a in await db.write(lambda tx: box.claim(tx, "w1", limit=3))] == ["k0", "k1", "k2"]
    assert [a.key for a in await db.write(lambda tx: box.claim(tx, "w2"))] == ["k3"]
    assert await db.write(lambda tx: box.claim(tx, "w2")) == []
    assert await db.read(lambda tx: box.state(tx, "k0")) == "claimed"


async def test_many_claimers_at_once_share_without_overlap(url: str) -> None:
    handles = [Database(url), Database(url)]
    await handles[0].write(lambda tx: box.store(tx, [ask(f"k{n:02}") for n in range(20)]))
    parts = await asyncio.gather(
        *(h.write(lambda tx, w=f"{i}{n}": box.claim(tx, w, limit=3)) for i, h in enumerate(handles) for n in range(5))
    )
    keys = [a.key for part in parts for a in part]
    assert len(keys) == len(set(keys))
    while rest := await handles[0].write(lambda tx: box.claim(tx, "last")):
        keys += [a.key for a in rest]
    assert sorted(keys) == [f"k{n:02}" for n in range(20)]
    for handle in handles:
        await handle.close()


async def test_a_claim_whose_owner_died_is_taken_again_and_a_renewed_one_is_not(db: Database) -> None:
    await db.write(lambda tx: box.store(tx, [ask("k1"), ask("k2")]))
    await db.write(lambda tx: box.claim(tx, "w1", lease_s=0.05))
    await asyncio.sleep(0.1)
    await db.write(lambda tx: box.renew(tx, "w1", ["k1"]))
    (again,) = await db.write(lambda tx: box.claim(tx, "w2"))
    assert (again.key, again.attempts) == ("k2", 1)
    await db.write(lambda tx: box.renew(tx, "w1", ["k2"], lease_s=-10))
    assert await db.write(lambda tx: box.claim(tx, "w3")) == []


async def test_only_some_kinds(db: Database) -> None:
    timer = Ask("t", "timer", "clock overdue", "muster", "clock", "clock")
    await db.write(lambda tx: box.store(tx, [ask("k"), timer]))
    assert [a.key for a in await db.write(lambda tx: box.claim(tx, "w", kinds=("timer",)))] == ["t"]


async def test_settled_once_by_its_owner(db: Database) -> None:
    await db.write(lambda tx: box.store(tx, [ask("k1"), ask("k2")]))
    await db.write(lambda tx: box.claim(tx, "w1"))
    assert not await db.write(lambda tx: box.settle(tx, "k1", "done", owner="w2"))
    assert await db.write(lambda tx: box.settle(tx, "k1", "done", owner="w1"))
    assert not await db.write(lambda tx: box.settle(tx, "k1", "dead", error="late"))
    assert await db.write(lambda tx: box.settle(tx, "k2", "refused", error="no"))
    assert await db.read(lambda tx: (box.state(tx, "k1"), box.state(tx, "k2"))) == ("done", "refused")
    assert await db.write(lambda tx: box.claim(tx, "w3")) == []


async def test_given_back_it_is_taken_at_once(db: Database) -> None:
    await db.write(lambda tx: box.store(tx, [ask("k")]))
    await db.write(lambda tx: box.claim(tx, "w1"))
    await db.write(lambda tx: box.release(tx, "k"))
    assert [a.key for a in await db.write(lambda tx: box.claim(tx, "w2"))] == ["k"]


async def test_old_response_urls_are_forgotten(db: Database) -> None:
    await db.write(
        lambda tx: box.store(tx, [ask("old", response_url="https://x"), ask("new", response_url="https://y")])
    )
    old = update(inbox).where(inbox.c.key == "old")
    await db.write(lambda tx: tx.conn.execute(old.values(received_at=tx.now - timedelta(minutes=31))))
    assert await db.write(box.blank_urls) == 1
    rows = await db.read(lambda tx: tx.conn.execute(select(inbox.c.key, inbox.c.response_url)).all())
    urls = {row.key: row.response_url for row in rows}
    assert urls == {"old": None, "new": "https://y"}
