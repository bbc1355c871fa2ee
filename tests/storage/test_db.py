"""One way to write, one way to read: all of it or nothing, database time, lost races run again, outages named."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from storage.db import Database, Tx, Unreachable, savepoint
from storage.sql import next_number
from storage.tables import counters, timers
from storage.types import UtcTime, from_iso, iso, seconds


async def test_all_of_it_or_nothing(db: Database) -> None:
    def work(tx: Tx) -> None:
        tx.conn.execute(insert(counters).values(name="a", value=1))
        raise KeyError("no")

    with pytest.raises(KeyError):
        await db.write(work)
    assert await db.read(lambda tx: tx.conn.execute(select(counters)).all()) == []


async def test_twenty_increments_at_once_lose_none(db: Database) -> None:
    await asyncio.gather(*(db.write(lambda tx: next_number(tx, "n")) for _ in range(20)))
    assert await db.write(lambda tx: next_number(tx, "n")) == 21


async def test_a_number_is_given_back_when_the_work_fails(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await db.write(lambda tx: next_number(tx, "n") / 0)
    assert await db.write(lambda tx: next_number(tx, "n")) == 1


async def test_now_is_one_time_per_transaction_and_the_database_s(db: Database) -> None:
    first, again = await db.write(lambda tx: (tx.now, tx.now))
    assert first == again and first.tzinfo is UTC
    assert abs(datetime.now(UTC) - first) < timedelta(seconds=5)
    assert await db.write(lambda tx: tx.now) >= first


async def test_times_come_back_aware_to_the_microsecond_and_naive_ones_are_refused(db: Database) -> None:
    moment = datetime(2026, 11, 22, 14, 2, 3, 456789, tzinfo=UTC)
    row = {"kind": "k", "subject": "s", "due_at": moment, "payload": {}, "state": "pending"}
    await db.write(lambda tx: tx.conn.execute(insert(timers).values(row)))
    assert await db.read(lambda tx: tx.conn.execute(select(timers.c.due_at)).scalar_one()) == moment
    with pytest.raises(StatementError, match="naive"):
        await db.write(lambda tx: tx.conn.execute(update(timers).values(due_at=moment.replace(tzinfo=None))))


async def test_the_database_clock_compares_with_stored_times(db: Database) -> None:
    row = {"kind": "k", "subject": "s", "payload": {}, "state": "pending"}
    await db.write(lambda tx: tx.conn.execute(insert(timers).values({**row, "due_at": tx.now + seconds(1.5)})))
    assert await db.read(lambda tx: tx.conn.execute(select(timers).where(timers.c.due_at <= tx.now)).all()) == []
    await asyncio.sleep(1.6)
    assert len(await db.read(lambda tx: tx.conn.execute(select(timers).where(timers.c.due_at <= tx.now)).all())) == 1


async def test_a_broken_constraint_or_statement_is_not_an_outage(db: Database) -> None:
    twice = insert(counters).values(name="a", value=1)
    await db.write(lambda tx: tx.conn.execute(twice))
    with pytest.raises(IntegrityError):
        await db.write(lambda tx: tx.conn.execute(twice))
    for broken in ("SELECT * FROM nowhere", "SELEKT"):
        with pytest.raises(DBAPIError):
            await db.write(lambda tx, broken=broken: tx.conn.execute(text(broken)))
        with pytest.raises(DBAPIError):
            await db.read(lambda tx, broken=broken: tx.conn.execute(text(broken)))


async def test_reading_cannot_write_on_postgresql(db: Database) -> None:
    if db.sqlite:
        pytest.skip("SQLite readers are plain transactions")
    with pytest.raises(DBAPIError, match="read-only"):
        await db.read(lambda tx: tx.conn.execute(insert(counters).values(name="a", value=1)))


async def test_a_reader_sees_one_moment(db: Database) -> None:
    await db.write(lambda tx: next_number(tx, "n"))
    began, done = threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    value = select(counters.c.value)

    def slow(tx: Tx) -> tuple[int, int]:
        first = tx.conn.execute(value).scalar_one()
        began.set()
        if db.sqlite:
            done.wait(5)
        return first, tx.conn.execute(value).scalar_one()

    if not db.sqlite:
        assert await db.read(slow) == (1, 1)
        return
    reading = asyncio.create_task(db.read(slow))
    await loop.run_in_executor(None, began.wait, 5)
    await db.write(lambda tx: next_number(tx, "n"))
    done.set()
    assert await reading == (1, 1)


async def test_a_savepoint_fails_alone(db: Database) -> None:
    def work(tx: Tx) -> None:
        tx.conn.execute(insert(counters).values(name="a", value=1))
        with pytest.raises(IntegrityError), savepoint(tx):
            tx.conn.execute(insert(counters).values(name="a", value=2))
        tx.conn.execute(insert(counters).values(name="b", value=3))

    await db.write(work)
    assert len(await db.read(lambda tx: tx.conn.execute(select(counters)).all())) == 2


async def test_hints_reach_listeners_here_and_notifications_there(url: str) -> None:
    here, there = Database(url), Database(url)
    heard: list[str] = []
    here.listen(heard.append)
    notes = there.notifications()
    next_note = asyncio.create_task(anext(notes, None))
    async with asyncio.timeout(30):
        while not heard or not next_note.done():  # a hint given before the other side listens is nobody's
            await here.write(lambda tx: tx.hint("runs"))
            await asyncio.sleep(0.1)
    assert set(heard) == {"runs"}
    assert await next_note == (None if here.sqlite else "runs")
    await notes.aclose()
    await here.close()
    await there.close()


async def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    for ask in (away.write, away.read):
        with pytest.raises(Unreachable):
            await ask(lambda tx: tx.now)
    await away.close()
    (tmp_path / "dir.db").mkdir()
    broken = Database(f"sqlite:///{tmp_path / 'dir.db'}")
    with pytest.raises(Unreachable):
        await broken.write(lambda tx: tx.now)
    await broken.close()


async def test_a_database_in_memory_is_one_for_all(tmp_path: Path) -> None:
    memory = Database("sqlite://")
    await memory.write(lambda tx: tx.conn.execute(text("CREATE TABLE t (n INTEGER)")))
    await memory.write(lambda tx: tx.conn.execute(text("INSERT INTO t VALUES (1)")))
    assert await memory.read(lambda tx: tx.conn.execute(text("SELECT n FROM t")).scalar_one()) == 1
    await memory.close()


async def test_sqlite_is_durable(db: Database) -> None:
    if not db.sqlite:
        pytest.skip("SQLite's own settings")
    pragmas = [
        await db.write(lambda tx, p=p: tx.conn.execute(text(f"PRAGMA {p}")).scalar())
        for p in ("journal_mode", "synchronous")
    ]
    assert pragmas == ["wal", 2]


def test_the_one_spelling_of_a_time() -> None:
    moment = datetime(2026, 11, 22, 14, 2, 3, 5, tzinfo=UTC)
    assert iso(moment) == "2026-11-22T14:02:03.000005Z"
    assert from_iso(iso(moment)) == moment
    assert UtcTime().process_bind_param(None, None) is None  # type: ignore[arg-type]


async def test_a_transaction_the_server_ended_for_idling_is_run_again(db: Database) -> None:
    if db.sqlite:
        pytest.skip("SQLite ends no transaction by itself")
    tries: list[int] = []

    def work(tx: Tx) -> int:
        tries.append(1)
        tx.conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        if len(tries) % 2:
            time.sleep(0.3)
        return int(tx.conn.execute(text("SELECT 7")).scalar_one())

    assert await db.write(work) == 7
    assert await db.read(work) == 7
    assert len(tries) == 4


async def test_a_connection_cut_before_the_commit_is_tried_again(db: Database) -> None:
    if db.sqlite:
        pytest.skip("SQLite has no connection to cut")
    await db.write(lambda tx: tx.conn.execute(text("CREATE TABLE cut (n INTEGER)")))
    tries: list[int] = []

    def work(tx: Tx) -> int:
        tries.append(1)
        tx.conn.execute(text("INSERT INTO cut VALUES (1)"))
        if len(tries) == 1:
            tx.conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return len(tries)

    assert await db.write(work) == 2
    assert await db.read(lambda tx: tx.conn.execute(text("SELECT count(*) FROM cut")).scalar_one()) == 1
