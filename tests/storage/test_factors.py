"""Rows of second factors: once, locked after five, events without secrets."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from storage import factors, people, timeline
from storage.db import Database, Tx
from storage.tables_guard import factors as rows


@pytest.fixture
async def ben(db: Database) -> str:
    def work(tx: Tx) -> str:
        known = people.believe(tx, "slack", "T1/UBEN", state=people.MEMBER, name="Ben")
        assert known.person
        return known.person

    return await db.write(work)


async def told(db: Database) -> list[tuple[str, Any]]:
    found = await db.read(lambda tx: timeline.read(tx, timeline.ORG))
    return [(e.type, e.body.get("why")) for e in found if e.type.startswith("factor.")]


async def test_offered_confirmed_revoked_and_offered_again(db: Database, ben: str) -> None:
    assert await db.write(lambda tx: factors.offer(tx, ben, "one"))
    assert await db.write(lambda tx: factors.offer(tx, ben, "two")), "a pending one is replaced"
    assert not await db.write(lambda tx: factors.shown(tx, ben, "one")), "the old picture is dead"
    assert await db.write(lambda tx: factors.shown(tx, ben, "two"))
    assert not await db.write(lambda tx: factors.shown(tx, ben, "two")), "once"
    assert await db.write(lambda tx: factors.confirm(tx, ben))
    assert not await db.write(lambda tx: factors.confirm(tx, ben))
    assert not await db.write(lambda tx: factors.offer(tx, ben, "three")), "an active one stays"
    assert await db.write(lambda tx: factors.revoke(tx, ben, ben))
    assert not await db.write(lambda tx: factors.revoke(tx, ben, ben))
    gone = await db.read(lambda tx: factors.get(tx, ben))
    assert gone and (gone.state, gone.secret) == ("revoked", "")
    assert await db.write(lambda tx: factors.offer(tx, ben, "three"))
    assert [type for type, _ in await told(db)] == ["factor.enrolled", "factor.revoked"]


async def test_a_step_is_taken_once_even_by_two_at_the_same_instant(db: Database, ben: str) -> None:
    await db.write(lambda tx: factors.offer(tx, ben, "one"))
    both = await asyncio.gather(*(db.write(lambda tx: factors.advance(tx, ben, 50)) for _ in range(4)))
    assert sorted(both) == [False, False, False, True]
    assert not await db.write(lambda tx: factors.advance(tx, ben, 49)), "an earlier code is no code any more"
    assert await db.write(lambda tx: factors.advance(tx, ben, 51))


async def test_five_wrong_ones_lock_and_a_new_secret_does_not_unlock(db: Database, ben: str) -> None:
    await db.write(lambda tx: factors.offer(tx, ben, "one"))
    for why in ("wrong", "wrong", "replayed", "wrong", "wrong"):
        assert await db.write(lambda tx, why=why: factors.failed(tx, ben, why)) is None
    until = await db.write(lambda tx: factors.failed(tx, ben, "wrong"))
    assert until is not None
    assert not await db.write(lambda tx: factors.advance(tx, ben, 60)), "a right code does not count while locked"
    await db.write(lambda tx: factors.offer(tx, ben, "two"))
    still = await db.read(lambda tx: factors.get(tx, ben))
    assert still and still.locked_until == until
    past = update(rows).values(locked_until=until - factors.LOCKED_FOR - timedelta(seconds=1))
    await db.write(lambda tx: tx.conn.execute(past) and None)
    assert await db.write(lambda tx: factors.advance(tx, ben, 60))
    assert [why for type, why in await told(db) if type == "factor.failed"].count("wrong") == 5
    assert [type for type, _ in await told(db)][-1] == "factor.locked"


async def test_a_success_forgets_earlier_failures(db: Database, ben: str) -> None:
    await db.write(lambda tx: factors.offer(tx, ben, "one"))
    for step in range(10, 20):
        for _ in range(4):
            assert await db.write(lambda tx: factors.failed(tx, ben, "wrong")) is None
        assert await db.write(lambda tx, step=step: factors.advance(tx, ben, step))


async def test_a_proof_is_used_once(db: Database, ben: str) -> None:
    id = await db.write(lambda tx: factors.prove(tx, ben, "totp", "ask-1"))
    found = await db.read(lambda tx: factors.proof(tx, id))
    assert found and (found.person, found.ask, found.used_at) == (ben, "ask-1", None)
    uses = await asyncio.gather(*(db.write(lambda tx: factors.use(tx, id)) for _ in range(3)))
    assert sorted(uses) == [False, False, True]
    assert await db.read(lambda tx: factors.proof(tx, "proof-none")) is None
