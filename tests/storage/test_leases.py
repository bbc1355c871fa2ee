"""One holder at a time on the database clock, with a number that only rises."""

from __future__ import annotations

import asyncio

from storage import leases
from storage.db import Database


async def test_one_holder_who_renews_with_the_same_number(db: Database) -> None:
    assert await db.write(lambda tx: leases.take(tx, "clock", "web-1")) == 1
    assert await db.write(lambda tx: leases.take(tx, "clock", "web-1")) == 1
    assert await db.write(lambda tx: leases.take(tx, "clock", "web-2")) is None
    assert await db.write(lambda tx: leases.take(tx, "projector", "web-2")) == 1


async def test_a_lease_that_ran_out_is_taken_with_the_next_number(db: Database) -> None:
    await db.write(lambda tx: leases.take(tx, "clock", "web-1", lease_s=0.05))
    await asyncio.sleep(0.1)
    assert await db.write(lambda tx: leases.take(tx, "clock", "web-2")) == 2
    assert await db.write(lambda tx: leases.take(tx, "clock", "web-1")) is None


async def test_the_same_owner_after_its_lease_ran_out_gets_a_new_number(db: Database) -> None:
    await db.write(lambda tx: leases.take(tx, "clock", "web-1", lease_s=0.05))
    await asyncio.sleep(0.1)
    assert await db.write(lambda tx: leases.take(tx, "clock", "web-1")) == 2


async def test_giving_back_lets_another_have_it_at_once(db: Database) -> None:
    for name in ("clock", "projector"):
        await db.write(lambda tx, name=name: leases.take(tx, name, "web-1"))
    await db.write(lambda tx: leases.release(tx, "web-1", ["clock"]))
    await asyncio.sleep(0.01)
    assert await db.write(lambda tx: leases.take(tx, "clock", "web-2")) == 2
    assert await db.write(lambda tx: leases.take(tx, "projector", "web-2")) is None
    await db.write(lambda tx: leases.release(tx, "web-1"))
    await asyncio.sleep(0.01)
    assert await db.write(lambda tx: leases.take(tx, "projector", "web-2")) == 2
    assert await db.write(lambda tx: leases.take(tx, "clock", "web-1")) is None


async def test_twenty_who_want_it_at_once_get_one_holder(url: str) -> None:
    handles = [Database(url), Database(url)]
    taken = await asyncio.gather(
        *(
            handle.write(lambda tx, who=f"{n}-{i}": leases.take(tx, "clock", who))
            for n, handle in enumerate(handles)
            for i in range(10)
        )
    )
    assert sorted(filter(None, taken)) == [1]
    for handle in handles:
        await handle.close()


async def test_heartbeats(db: Database) -> None:
    assert await db.read(lambda tx: leases.last_heartbeat(tx, "web-1")) is None
    await db.write(lambda tx: leases.heartbeat(tx, "web-1"))
    first = await db.read(lambda tx: leases.last_heartbeat(tx, "web-1"))
    await asyncio.sleep(0.01)
    await db.write(lambda tx: leases.heartbeat(tx, "web-1", loop_lag_s=0.5))
    second = await db.read(lambda tx: leases.last_heartbeat(tx, "web-1"))
    assert first and second and second > first
