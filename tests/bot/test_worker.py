"""The worker: bounded, at least once, and what fails three times inside Muster is dead and says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.metrics import Metrics
from bot.worker import Worker
from playbooks.policy import parse_policy
from storage import inbox, migrate, people, replies
from storage.db import Database, Tx, Unreachable
from storage.inbox import Ask

POLICY = parse_policy(
    "severities: {sev1: {title: outage}}\n"
    "services: {shop: {tier: 1, rto: 15m, rpo: 5m, pagerduty: {phone: +1-555-0199, escalation_policy: Payments}}}\n"
)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'worker.db'}"
    await asyncio.to_thread(migrate.upgrade, url)
    opened = Database(url)
    yield opened
    await opened.close()


def ask(key: str) -> Ask:
    return Ask(key, "command", "incident declare sev1 x", "slack", "T1/U1", "slack", channel="C1")


class Broken:
    """A dispatch with a fault in it."""

    def __init__(self) -> None:
        self.attempts: list[int] = []

    async def handle(self, asked: Ask) -> None:
        self.attempts.append(asked.attempts)
        raise ZeroDivisionError


async def settled(db: Database, key: str) -> str | None:
    async with asyncio.timeout(40):
        while (state := await db.read(lambda tx: inbox.state(tx, key))) in ("received", "claimed"):
            await asyncio.sleep(0.02)
    return state


async def test_three_attempts_then_dead_with_what_to_do(db: Database) -> None:
    dispatch = Broken()
    worker = Worker(db, dispatch, POLICY, Metrics(), owner="w1")
    await db.write(lambda tx: inbox.store(tx, [ask("k1")]))
    await worker.start()
    assert await settled(db, "k1") == "dead"
    await worker.stop()
    assert dispatch.attempts == [1, 2, 3]
    (reply,) = await db.read(lambda tx: replies.for_ask(tx, "k1"))
    text = reply["body"]["text"]
    assert "not done" in text and "/incident declare sev1 x" in text and "+1-555-0199 (Payments)" in text


async def test_an_ask_that_ends_processes_is_not_tried_for_ever(db: Database) -> None:
    await db.write(lambda tx: inbox.store(tx, [ask("k2")]))
    for n in range(3):
        await db.write(lambda tx, n=n: inbox.claim(tx, f"dead-{n}", lease_s=-1.0))
    dispatch = Broken()
    worker = Worker(db, dispatch, POLICY, Metrics(), owner="w1")
    await worker.start()
    assert await settled(db, "k2") == "dead"
    await worker.stop()
    assert dispatch.attempts == []


class CutOff:
    """A dispatch under which the database goes away the first so many times; then it settles."""

    def __init__(self, db: Database, times: int) -> None:
        self.db, self.times, self.attempts = db, times, 0

    async def handle(self, asked: Ask) -> None:
        self.attempts += 1
        if self.attempts <= self.times:
            raise Unreachable("away")
        await self.db.write(lambda tx: inbox.settle(tx, asked.key, "done"))


async def test_after_an_outage_nobody_waits_for_the_lease(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken up again as soon as the database answers; what ends connections by itself is not tried for ever."""
    monkeypatch.setattr("bot.worker.GIVEN_BACK_AFTER_S", (0.01, 0.02))
    once, always = CutOff(db, 1), CutOff(db, 99)
    for key, dispatch, attempts in (("cut", once, 2), ("cuts", always, 3)):
        worker = Worker(db, dispatch, POLICY, Metrics(), owner=key)
        await db.write(lambda tx, key=key: inbox.store(tx, [ask(key)]))
        await worker.start()
        async with asyncio.timeout(40):
            while dispatch.attempts < attempts:
                await asyncio.sleep(0.02)
                worker.wake()
        await worker.stop()
    assert await db.read(lambda tx: inbox.state(tx, "cut")) == "done"
    assert await db.read(lambda tx: inbox.state(tx, "cuts")) == "claimed", "the third time its lease must run out"


async def test_what_somebody_else_has_taken_up_is_not_given_back(db: Database) -> None:
    await db.write(lambda tx: inbox.store(tx, [ask("theirs")]))
    await db.write(lambda tx: inbox.claim(tx, "other"))
    await db.write(lambda tx: inbox.release(tx, "theirs", "one"))
    assert await db.read(lambda tx: inbox.state(tx, "theirs")) == "claimed"


async def test_what_nobody_asked_for_is_told_to_no_stranger(db: Database) -> None:
    """News of an account that breaks Muster: whose account it is never hears of it."""
    news = Ask("e1", "event", "", "slack", "T1/UNEW", "slack", values={"event_type": "team_join"})
    worker = Worker(db, Broken(), POLICY, Metrics(), owner="w1")
    await db.write(lambda tx: inbox.store(tx, [news]))
    await worker.start()
    assert await settled(db, "e1") == "dead"
    await worker.stop()
    assert await db.read(lambda tx: replies.for_ask(tx, "e1")) == []


async def test_at_most_so_many_at_once_and_all_of_them(db: Database) -> None:
    busy, most, done = 0, 0, asyncio.Event()

    class Slow:
        async def handle(self, asked: Ask) -> Any:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.02)
            busy -= 1
            await db.write(lambda tx: inbox.settle(tx, asked.key, "done"))
            if asked.key == "n39":
                done.set()

    worker = Worker(db, Slow(), POLICY, Metrics(), owner="w1", at_once=5)
    await db.write(lambda tx: inbox.store(tx, [ask(f"n{n:02}") for n in range(40)]))
    await worker.start()
    await asyncio.wait_for(done.wait(), 40)
    for n in range(40):
        assert await settled(db, f"n{n:02}") == "done"
    await worker.stop()
    assert most == 5


async def test_stopping_finishes_what_is_in_hand(db: Database) -> None:
    begun = asyncio.Event()

    class Slow:
        async def handle(self, asked: Ask) -> Any:
            begun.set()
            await asyncio.sleep(0.3)
            await db.write(lambda tx: inbox.settle(tx, asked.key, "done"))

    worker = Worker(db, Slow(), POLICY, Metrics(), owner="w1")
    await db.write(lambda tx: inbox.store(tx, [ask("last")]))
    await worker.start()
    await begun.wait()
    await worker.stop()
    assert await db.read(lambda tx: inbox.state(tx, "last")) == "done"


class Quick:
    """A dispatch that sees who asks and settles."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def handle(self, asked: Ask) -> None:
        def work(tx: Tx) -> None:
            people.see(tx, "slack", asked.account, state=people.UNVERIFIED)
            inbox.settle(tx, asked.key, "done")

        await self.db.write(work)


async def test_who_was_never_looked_up_is_after_their_first_ask(db: Database) -> None:
    """Once each while Slack says who they are, again while it does not, and never more than a few at a time."""
    looked: list[str] = []
    silent = True

    class Looks:
        async def refresh_account(self, kind: str, account: str) -> None:
            looked.append(account)
            await asyncio.sleep(0.01)
            if not silent:
                await db.write(lambda tx: people.believe(tx, kind, account, state=people.MEMBER, name="Dov"))

    worker = Worker(db, Quick(db), POLICY, Metrics(), owner="w1", looks=Looks())
    await worker.start()

    async def asks(key: str) -> None:
        await db.write(lambda tx: inbox.store(tx, [ask(key)]))
        worker.wake()
        assert await settled(db, key) == "done"
        async with asyncio.timeout(30):
            while len(worker._looking):
                await asyncio.sleep(0.01)

    await asks("a1")
    assert looked == ["T1/U1"]
    silent = False
    await asks("a2")
    await asks("a3")
    assert looked == ["T1/U1"] * 2
    found = await db.read(lambda tx: people.account(tx, "slack", "T1/U1"))
    assert found and found.name == "Dov"
    await worker.stop()
