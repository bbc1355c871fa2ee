"""Duties: woken by hints, one holder per lease, and an end by a fault is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.duty import Duty
from storage import migrate
from storage.db import Database


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'duty.db'}"
    await asyncio.to_thread(migrate.upgrade, url)
    opened = Database(url)
    yield opened
    await opened.close()


async def test_a_hint_wakes_it_long_before_the_poll(db: Database) -> None:
    done = asyncio.Event()

    async def work() -> bool:
        done.set()
        return False

    duty = Duty("d", db, work, owner="a", topics=("cards",), poll_s=60)
    await duty.start()
    await asyncio.wait_for(done.wait(), 40)
    done.clear()
    await db.write(lambda tx: tx.hint("replies"))
    await db.write(lambda tx: tx.hint("cards"))
    await asyncio.wait_for(done.wait(), 40)
    await duty.stop()


async def test_one_holder_at_a_time(db: Database) -> None:
    workers: list[str] = []

    def named(name: str) -> Duty:
        async def work() -> bool:
            workers.append(name)
            return False

        return Duty("lease", db, work, owner=name, lease=True, poll_s=0.02)

    first, second = named("a"), named("b")

    async def worked() -> None:
        async with asyncio.timeout(30):
            while not workers:
                await asyncio.sleep(0.01)

    await first.start()
    await worked()
    await second.start()
    await asyncio.sleep(0.3)
    assert set(workers) == {"a"}
    await first.stop()
    workers.clear()
    await worked()
    await second.stop()
    assert set(workers) == {"b"}


async def test_an_end_by_a_fault_is_seen(db: Database) -> None:
    async def work() -> bool:
        raise ZeroDivisionError

    duty = Duty("d", db, work, owner="a")
    await duty.start()
    async with asyncio.timeout(30):
        while not duty.ended:
            await asyncio.sleep(0.01)


async def test_stopping_is_no_fault(db: Database) -> None:
    async def work() -> bool:
        return False

    duty = Duty("d", db, work, owner="a")
    await duty.start()
    await asyncio.sleep(0.05)
    await duty.stop()
    assert not duty.ended
