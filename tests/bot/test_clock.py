"""The clock: a due timer becomes one ask, with two clocks running as with one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.clock import Clock
from storage import inbox, migrate, timers
from storage.db import Database, Tx
from storage.tables import inbox as rows


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'clock.db'}"
    await asyncio.to_thread(migrate.upgrade, url)
    opened = Database(url)
    yield opened
    await opened.close()


async def asked(db: Database) -> list[dict[str, object]]:
    found = await db.read(lambda tx: tx.conn.execute(select(rows).where(rows.c.kind == "timer")).mappings().all())
    return [dict(row) for row in found]


async def test_two_clocks_fire_a_timer_once(db: Database) -> None:
    def set_timers(tx: Tx) -> None:
        timers.set(tx, "update", "INC-1", tx.now + timedelta(seconds=0.1), {"note": "x"})
        timers.set(tx, "acknowledge", "INC-2", tx.now + timedelta(hours=1))

    await db.write(set_timers)
    clocks = [Clock(db, owner=name) for name in ("a", "b")]
    for clock in clocks:
        await clock.start()
    async with asyncio.timeout(30):
        while not await asked(db):
            await asyncio.sleep(0.02)
    await asyncio.sleep(1.2)
    for clock in clocks:
        await clock.stop()
    (row,) = await asked(db)
    assert row["line"] == "timer update INC-1" and row["via"] == "clock"
    assert row["values"]["subject"] == "INC-1" and row["values"]["note"] == "x"  # type: ignore[index]


async def test_the_other_clock_takes_over_at_once_after_a_stop(db: Database) -> None:
    first, second = Clock(db, owner="a"), Clock(db, owner="b")
    await first.start()
    await asyncio.sleep(0.3)
    await second.start()
    await first.stop()
    await db.write(lambda tx: timers.set(tx, "update", "INC-1", tx.now))
    async with asyncio.timeout(30):
        while not await asked(db):
            await asyncio.sleep(0.02)
    await second.stop()


async def test_response_urls_are_forgotten(db: Database) -> None:
    ask = inbox.Ask("k", "command", "incident help", "slack", "T1/U1", "slack", response_url="https://x.example/1")
    await db.write(lambda tx: inbox.store(tx, [ask]))
    await db.write(lambda tx: tx.conn.execute(rows.update().values(received_at=tx.now - timedelta(minutes=31))))
    clock = Clock(db, owner="a")
    await clock.tick()
    found = await db.read(lambda tx: inbox.get(tx, "k"))
    assert found is not None and found.response_url is None
