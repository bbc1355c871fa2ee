"""Timers fire once, on the database clock, to one replica."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from storage import timers
from storage.db import Database, Tx


def ring(tx: Tx, subject: str, in_s: float, **payload: object) -> datetime:
    due = tx.now + timedelta(seconds=in_s)
    timers.set(tx, "update", subject, due, payload)
    return due


async def test_it_fires_once_when_due(db: Database) -> None:
    due = await db.write(lambda tx: ring(tx, "INC-1", 1.5, n=1))
    assert await db.write(timers.take_due) == []
    await asyncio.sleep(1.6)
    (fired,) = await db.write(timers.take_due)
    assert (fired.kind, fired.subject, fired.due_at, fired.payload) == ("update", "INC-1", due, {"n": 1})
    assert await db.write(timers.take_due) == []


async def test_moved_it_fires_at_the_new_time_only(db: Database) -> None:
    await db.write(lambda tx: ring(tx, "INC-1", -5))
    await db.write(lambda tx: ring(tx, "INC-1", 60, moved=True))
    assert await db.write(timers.take_due) == []
    await db.write(lambda tx: ring(tx, "INC-1", -1))
    assert len(await db.write(timers.take_due)) == 1


async def test_set_again_after_it_fired(db: Database) -> None:
    for _ in range(2):
        await db.write(lambda tx: ring(tx, "INC-1", -1))
        assert len(await db.write(timers.take_due)) == 1


async def test_cancelled_it_does_not_fire(db: Database) -> None:
    await db.write(lambda tx: [ring(tx, "INC-1", -1), ring(tx, "INC-2", -1)])
    await db.write(lambda tx: timers.cancel(tx, "update", "INC-1"))
    await db.write(lambda tx: timers.cancel(tx, "update", "nothing"))
    assert [one.subject for one in await db.write(timers.take_due)] == ["INC-2"]


async def test_earliest_first_and_only_so_many(db: Database) -> None:
    await db.write(lambda tx: [ring(tx, "b", -1), ring(tx, "a", -2), ring(tx, "c", -0.5)])
    assert [one.subject for one in await db.write(lambda tx: timers.take_due(tx, limit=2))] == ["a", "b"]
    assert [one.subject for one in await db.write(timers.take_due)] == ["c"]


async def test_a_rolled_back_take_fires_again(db: Database) -> None:
    await db.write(lambda tx: ring(tx, "INC-1", -1))

    def work(tx: Tx) -> None:
        timers.take_due(tx)
        raise KeyError("lost")

    with pytest.raises(KeyError):
        await db.write(work)
    assert len(await db.write(timers.take_due)) == 1


async def test_two_replicas_at_once_fire_each_once(url: str) -> None:
    handles = [Database(url), Database(url)]
    await handles[0].write(lambda tx: [ring(tx, f"INC-{n}", -1) for n in range(20)])
    taken = await asyncio.gather(*(h.write(lambda tx: timers.take_due(tx, limit=5)) for h in handles for _ in range(5)))
    subjects = [one.subject for part in taken for one in part]
    assert len(subjects) == len(set(subjects))
    while rest := await handles[0].write(timers.take_due):
        subjects += [one.subject for one in rest]
    assert len(subjects) == 20 == len(set(subjects))
    for handle in handles:
        await handle.close()
