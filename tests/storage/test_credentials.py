"""Enrolled terminals: paired once, used until they end, revoked at once; no token and no code in any row."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from storage import credentials, people, timeline
from storage.credentials import new_pairing, new_token, read_pairing
from storage.db import Database, Tx
from storage.tables_guard import credentials as rows


@pytest.fixture
async def ben(db: Database) -> str:
    def work(tx: Tx) -> str:
        known = people.believe(tx, "slack", "T1/UBEN", state=people.MEMBER, name="Ben")
        assert known.person
        return known.person

    return await db.write(work)


async def ended(db: Database, id: str) -> None:
    def work(tx: Tx) -> None:
        tx.conn.execute(update(rows).where(rows.c.id == id).values(expires_at=tx.now - timedelta(seconds=1)))

    await db.write(work)


async def test_paired_used_and_revoked(db: Database, ben: str) -> None:
    pairing, token = new_pairing(), new_token()
    assert await db.write(lambda tx: credentials.claim(tx, pairing, token, "x")) is None, "nobody allowed it yet"
    allowed = await db.write(lambda tx: credentials.allow(tx, ben, pairing))
    assert allowed is not None
    assert await db.write(lambda tx: credentials.allow(tx, ben, pairing)) is None, "a code is good for one"
    assert await db.write(lambda tx: credentials.use(tx, pairing)) is None, "the code is no token"
    both = [new_token(), token]
    got = await asyncio.gather(*(db.write(lambda tx, t=t: credentials.claim(tx, pairing, t, "ben@box")) for t in both))
    mine = next(one for one in got if one is not None)
    assert got.count(None) == 1, "two machines with the same code: one gets it"
    token = both[got.index(mine)]
    used = await db.write(lambda tx: credentials.use(tx, token))
    assert used is not None and (used.id, used.person, used.label) == (allowed.id, ben, "ben@box")
    assert timedelta(days=29) < used.expires_at - used.created_at <= timedelta(days=30)
    account = await db.read(lambda tx: people.account(tx, "cli", mine.id))
    assert account is not None and (account.person, account.state) == (ben, people.MEMBER)
    for table in ("credentials", "events", "texts", "accounts"):
        kept = str(await db.read(lambda tx, table=table: tx.conn.execute(text(f"SELECT * FROM {table}")).all()))
        assert token not in kept and pairing not in kept
    assert await db.write(lambda tx: credentials.revoke(tx, mine.id, ben))
    assert not await db.write(lambda tx: credentials.revoke(tx, mine.id, ben))
    assert await db.write(lambda tx: credentials.use(tx, token)) is None
    gone = await db.read(lambda tx: people.account(tx, "cli", mine.id))
    assert gone is not None and gone.state == people.DEACTIVATED
    types = [e.type for e in await db.read(lambda tx: timeline.read(tx, timeline.ORG))]
    assert [t for t in types if t.startswith("credential.")] == [
        "credential.allowed", "credential.enrolled", "credential.revoked"
    ]  # fmt: skip


async def test_it_ends(db: Database, ben: str) -> None:
    pairing, token = new_pairing(), new_token()
    allowed = await db.write(lambda tx: credentials.allow(tx, ben, pairing))
    assert allowed is not None
    await ended(db, allowed.id)
    assert await db.write(lambda tx: credentials.claim(tx, pairing, token, "x")) is None, "confirmed too long ago"
    second = new_pairing()
    await db.write(lambda tx: credentials.allow(tx, ben, second, life=timedelta(days=1)))
    mine = await db.write(lambda tx: credentials.claim(tx, second, token, "x"))
    assert mine is not None and mine.expires_at - mine.created_at == timedelta(days=1)
    assert [one.id for one in await db.read(lambda tx: credentials.of_person(tx, ben))] == [mine.id]
    await ended(db, mine.id)
    assert await db.write(lambda tx: credentials.use(tx, token)) is None
    assert await db.read(lambda tx: credentials.of_person(tx, ben)) == []


def test_pairing_codes_are_read_as_people_type_them() -> None:
    for _ in range(50):
        code = new_pairing()
        assert read_pairing(code) == read_pairing(code.lower()) == read_pairing(f" {code.replace('-', ' ')} ") == code
        wrong = ("A" if code[0] != "A" else "B") + code[1:]
        assert read_pairing(wrong) in (None, wrong)
    assert [read_pairing(bad) for bad in ("", "ABCD", "ABCD-EFGHJ", "0000-0000")] == [None] * 4
    assert sum(read_pairing(f"A{n:06}B".replace("0", "Z").replace("1", "Y")) is not None for n in range(1000)) < 100
