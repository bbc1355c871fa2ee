"""One-time codes: right once, in time, by the right person, for the right ask; each other case in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import text, update

from playbooks import step_up
from playbooks.errors import Refused
from storage import people, timeline
from storage.db import Database, Tx
from storage.sealing import Seal, new_key
from storage.tables_guard import factors as factor_rows
from storage.tables_guard import proofs

SEAL = Seal(new_key())


def of(secret: str, now: datetime, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(int(now.timestamp()) // 30 + steps)


class Phone:
    """One person's app: `code(-1)` is the one before."""

    def __init__(self, db: Database, person: str) -> None:
        self.db, self.person, self.secret = db, person, ""

    async def code(self, steps: int = 0) -> str:
        now: datetime = await self.db.read(lambda tx: tx.now)
        return of(self.secret, now, steps)

    async def bad(self) -> str:
        """Six digits that are no code of these minutes."""
        near = {await self.code(steps) for steps in range(-3, 4)}
        return next(f"{n:06}" for n in range(10) if f"{n:06}" not in near)

    async def check(self, code: str, ask: str = "ask", seal: Seal | None = SEAL) -> str:
        return await self.db.write(lambda tx: step_up.check(tx, seal, self.person, code, ask))

    async def take(self, proof: str, ask: str = "ask") -> Any:
        return await self.db.write(lambda tx: step_up.take(tx, self.person, proof, ask))

    async def scan(self) -> None:
        offer = await self.db.write(lambda tx: step_up.offer(tx, SEAL, self.person, "Ben"))
        assert offer is not None and offer.secret in offer.uri
        self.secret = offer.secret

    async def enrol(self) -> None:
        """Confirmed, and as if that had been long ago: the code of now is free again."""
        await self.scan()
        first = await self.check(await self.code(), "enrol")
        await self.db.write(lambda tx: step_up.confirm(tx, self.person, first, "enrol"))
        long_ago = update(factor_rows).values(last_step=1)
        await self.db.write(lambda tx: tx.conn.execute(long_ago.where(factor_rows.c.person == self.person)) and None)


@pytest.fixture
async def phone(db: Database) -> Callable[[str], Any]:
    async def make(name: str) -> Phone:
        def work(tx: Tx) -> str:
            known = people.believe(tx, "slack", f"T1/U{name.upper()}", state=people.MEMBER, name=name)
            assert known.person
            return known.person

        return Phone(db, await db.write(work))

    return make


async def test_enrolled_with_a_first_code_and_the_secret_is_nowhere_in_clear(db: Database, phone: Any) -> None:
    ben = await phone("Ben")
    assert not await db.read(lambda tx: step_up.enrolled(tx, ben.person))
    await ben.scan()
    again = await db.read(lambda tx: step_up.offered(tx, SEAL, ben.person, "Ben"))
    assert again is not None and again.secret == ben.secret
    wrong = await ben.check(await ben.bad(), "enrol")
    with pytest.raises(Refused, match="wrong; 4 tries left"):
        await db.write(lambda tx: step_up.confirm(tx, ben.person, wrong, "enrol"))
    right = await ben.check(await ben.code(), "enrol")
    await db.write(lambda tx: step_up.confirm(tx, ben.person, right, "enrol"))
    assert await db.read(lambda tx: step_up.enrolled(tx, ben.person))
    assert await db.write(lambda tx: step_up.offer(tx, SEAL, ben.person, "Ben")) is None
    for table in ("factors", "proofs", "events", "texts"):
        rows = await db.read(lambda tx, table=table: tx.conn.execute(text(f"SELECT * FROM {table}")).all())
        assert ben.secret not in str(rows)
    types = [e.type for e in await db.read(lambda tx: timeline.read(tx, timeline.ORG))]
    assert types[-2:] == ["factor.failed", "factor.enrolled"]


async def test_a_right_code_proves_one_person_for_one_ask_once(db: Database, phone: Any) -> None:
    ben, chi = await phone("Ben"), await phone("Chi")
    await ben.enrol()
    await chi.enrol()
    proof = await ben.check(await ben.code())
    with pytest.raises(Refused, match="no code of yours"):
        await chi.take(proof)
    with pytest.raises(Refused, match="no code of yours"):
        await ben.take(proof, "another ask")
    assert (await ben.take(proof)).method == "totp"
    with pytest.raises(Refused, match="has been used"):
        await ben.take(proof)
    of_chi = await ben.check(await chi.code(1))
    with pytest.raises(Refused, match="wrong"):
        await ben.take(of_chi)
    both = await db.write(lambda tx: [step_up.take(tx, chi.person, p, "x") for p in [_prove(tx, chi)] * 2])
    assert len({one.id for one in both}) == 1, "twice within one transaction is once"


def _prove(tx: Tx, one: Phone) -> str:
    return step_up.check(tx, SEAL, one.person, of(one.secret, tx.now), "x")


async def test_a_code_is_good_once_and_none_before_it_again(phone: Any) -> None:
    ben = await phone("Ben")
    await ben.enrol()
    now = await ben.code()
    many = await asyncio.gather(*(ben.check(now) for _ in range(5)))
    assert sorted(one.partition("-")[0] for one in many) == ["proof"] + ["wrong:replayed"] * 4
    assert await ben.check(await ben.code(-1)) == "wrong:replayed"
    with pytest.raises(Refused, match="has been used"):
        await ben.take("wrong:replayed")
    assert (await ben.check(await ben.code(1))).startswith("proof-"), "a phone half a minute fast"
    assert await ben.check(await ben.code(3)) == "wrong:wrong", "beyond the window"


async def test_five_wrong_ones_lock_and_say_until_when(db: Database, phone: Any) -> None:
    ben = await phone("Ben")
    await ben.enrol()
    bad = await ben.bad()
    assert [await ben.check(bad) for _ in range(5)] == ["wrong:wrong"] * 5
    right = await ben.check(await ben.code())
    assert right == "wrong:locked"
    with pytest.raises(Refused, match=r"locked until \d\d:\d\d:\d\d UTC"):
        await ben.take(right)
    past = update(factor_rows).values(locked_until=await db.read(lambda tx: tx.now - timedelta(seconds=1)))
    await db.write(lambda tx: tx.conn.execute(past) and None)
    assert (await ben.take(await ben.check(await ben.code()))).person == ben.person
    events = await db.read(lambda tx: timeline.read(tx, timeline.ORG))
    assert [e.body["why"] for e in events if e.type == "factor.failed"] == ["wrong"] * 5 + ["locked"]
    assert all("code" not in e.body for e in events if e.type.startswith("factor."))


async def test_a_proof_is_good_for_five_minutes(db: Database, phone: Any) -> None:
    ben = await phone("Ben")
    await ben.enrol()
    proof = await ben.check(await ben.code())
    old = await db.read(lambda tx: tx.now - timedelta(minutes=5, seconds=1))
    await db.write(lambda tx: tx.conn.execute(update(proofs).where(proofs.c.id == proof).values(at=old)) and None)
    with pytest.raises(Refused, match="more than 5 minutes ago"):
        await ben.take(proof)


@pytest.mark.parametrize(
    ("code", "why", "words"),
    [("", "format", "six digits"), ("12345", "format", "six digits"), ("١٢٣٤٥٦", "format", "six digits")],
)
async def test_what_is_no_code_is_no_guess(phone: Any, code: str, why: str, words: str) -> None:
    ben = await phone("Ben")
    await ben.enrol()
    assert [await ben.check(code) for _ in range(7)] == [f"wrong:{why}"] * 7
    with pytest.raises(Refused, match=words):
        await ben.take(f"wrong:{why}")


async def test_who_has_no_factor_no_key_or_no_code_is_told_how(db: Database, phone: Any) -> None:
    ben = await phone("Ben")
    assert await ben.check("123456") == "wrong:not-enrolled"
    for proof in ("", "wrong:not-enrolled", "proof-none"):
        with pytest.raises(Refused, match="/playbook mfa"):
            await ben.take(proof)
    await ben.enrol()
    with pytest.raises(Refused, match="code=123456"):
        await ben.take("")
    assert await ben.check(await ben.code(), seal=None) == "wrong:no-key"
    assert await ben.check(await ben.code(), seal=Seal(new_key())) == "wrong:no-key"
    with pytest.raises(Refused, match="MUSTER_KEY"):
        await ben.take("wrong:no-key")
    assert await db.write(lambda tx: step_up.check(tx, SEAL, None, "123456", "x")) == "wrong:unknown"
    assert (await ben.check(f" {(code := await ben.code())[:3]} {code[3:]} ")).startswith("proof-"), "as apps show it"
