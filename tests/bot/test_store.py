"""Group commit: everyone waiting shares a transaction, repeats have no effect, one bad ask takes nobody with it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event, select

from bot.store import NotStored, Store
from storage import inbox, migrate
from storage.db import Database
from storage.inbox import Ask
from storage.tables import inbox as rows


@pytest.fixture(params=["sqlite", "postgresql"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    await asyncio.to_thread(migrate.upgrade, url)
    opened = Database(url)
    await opened.write(lambda tx: tx.conn.execute(rows.delete()))
    yield opened
    await opened.close()


def ask(key: str, line: str = "incident note x") -> Ask:
    return Ask(key, "command", line, "slack", "T1/U1", "slack", values={"a": "ü"}, team="T1", channel="C1")


async def test_many_at_once_in_few_transactions(db: Database) -> None:
    commits = 0

    def counted(*_: object) -> None:
        nonlocal commits
        commits += 1

    engine = db._engine
    event.listen(engine, "commit", counted)
    store = Store(db)
    assert all(await asyncio.gather(*(store.put(ask(f"k{n}")) for n in range(250))))
    event.remove(engine, "commit", counted)
    assert commits <= 6
    found = await db.read(lambda tx: inbox.get(tx, "k249"))
    assert found == ask("k249").__class__(**{**ask("k249").__dict__, "received_at": found and found.received_at})


async def test_a_repeat_is_not_fresh_neither_later_nor_in_the_same_moment(db: Database) -> None:
    store = Store(db)
    assert sorted(await asyncio.gather(*(store.put(ask("same")) for _ in range(3)))) == [False, False, True]
    assert await store.put(ask("same")) is False
    assert len(await db.read(lambda tx: tx.conn.execute(select(rows.c.key)).all())) == 1


async def test_one_that_cannot_be_stored_takes_nobody_with_it(db: Database) -> None:
    store = Store(db)
    bad = Ask("bad", "command", "x", "slack", "T1/U1", "slack", values={"a": object()})
    results = await asyncio.gather(*(store.put(one) for one in (ask("a"), bad, ask("b"))), return_exceptions=True)
    assert results[0] is True and results[2] is True and isinstance(results[1], NotStored)


async def test_a_slow_database_is_given_up_in_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'slow.db'}"
    await asyncio.to_thread(migrate.upgrade, url)
    db = Database(url)
    store = Store(db, within_s=0.2)
    held, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(tx: object) -> None:
        loop.call_soon_threadsafe(held.set)
        release.wait(60)

    blocking = asyncio.create_task(db.write(slow))
    await held.wait()
    with pytest.raises(NotStored):
        await store.put(ask("late"))
    assert not blocking.done(), "given up while the database is still busy"
    release.set()
    await blocking
    await store.close()
    await db.close()


async def test_what_was_answered_as_not_stored_does_not_come_to_life(tmp_path: Path) -> None:
    """The database kept us waiting in the middle of the very transaction, and then went on."""
    url = f"sqlite:///{tmp_path / 'hung.db'}"
    await asyncio.to_thread(migrate.upgrade, url)
    db = Database(url)
    store = Store(db, within_s=0.2)
    event.listen(db._engine, "after_cursor_execute", _hang)
    with pytest.raises(NotStored):
        await store.put(ask("late"))
    await store.close()
    event.remove(db._engine, "after_cursor_execute", _hang)
    assert await db.read(lambda tx: inbox.state(tx, "late")) == "refused"
    assert await db.write(lambda tx: inbox.claim(tx, "me")) == []
    await db.close()


def _hang(conn: object, cursor: object, statement: str, *more: object) -> None:
    if statement.startswith("INSERT INTO inbox"):
        time.sleep(0.5)


async def test_an_unreachable_database_says_so() -> None:
    store = Store(Database("postgresql://nobody@127.0.0.1:9/none"))
    with pytest.raises(NotStored):
        await store.put(ask("k"))
