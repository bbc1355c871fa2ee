"""One-time codes never get past the door: found in lines and forms, judged once, replaced by what they proved."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pyotp
import pytest
from sqlalchemy import text

from bot.codes import Codes
from bot.store import Store
from commands.command import load_commands
from playbooks import step_up
from storage import inbox, people
from storage.db import Database, Tx
from storage.inbox import Ask
from storage.sealing import Seal, new_key

SEAL = Seal(new_key())
CODES = Codes(load_commands(), SEAL)


def ask(line: str, key: str = "k1", **more: Any) -> Ask:
    given = {"kind": "command", "account_kind": "slack", "account": "T1/UBEN", "via": "slack"}
    return Ask(key=key, line=line, **{**given, **more})


@pytest.mark.parametrize(
    ("line", "stored", "code"),
    [
        ("playbook approve INC-1/2 code=123456", "playbook approve INC-1/2 code=?", "123456"),
        ("playbook approve CODE=123456 INC-1/2", "playbook approve code=? INC-1/2", "123456"),
        ('playbook approve INC-1/2 code="123 456"', "playbook approve INC-1/2 code=?", "123 456"),
        ("playbook approve code = 123 456", "playbook approve code=?", "123 456"),
        ("/playbook approve 123456", "/playbook approve code=?", "123456"),
        ("playbook approve INC-1/2 123456", "playbook approve INC-1/2 code=?", "123456"),
        ("playbook approve code=12345678901", "playbook approve code=?", "12345678901"),
        ("playbook approve code=", "playbook approve code=?", "-"),
        ("playbook approve INC-1/2 9f2c44aabb00", "playbook approve INC-1/2 9f2c44aabb00", None),
        ("playbook pause code=123456", "playbook pause code=…", None),
        ("playbook deny INC-1/2 code=123456 no", "playbook deny INC-1/2 code=… no", None),
        ("playbook aprove code=123456", "playbook aprove code=…", None),
        ("incident note error code=500123", "incident note error code=500123", None),
        ("playbook run x code=123456", "playbook run x code=123456", None),
    ],
)
def test_what_is_taken_out_of_a_line(line: str, stored: str, code: str | None) -> None:
    found = CODES.take_out(ask(line))
    assert (found.line, found.codes.get("code")) == (stored, code)
    assert "123456" not in repr(found) or code is None


def test_forms_and_terminals() -> None:
    form = CODES.take_out(ask("playbook approve INC-1/2", kind="form", values={"code": "123 456", "run": "x"}))
    assert (form.values, form.codes) == ({"run": "x"}, {"code": "123 456"}) and CODES.errors(form) == {}
    short = CODES.take_out(ask("playbook approve", kind="form", values={"code": "12345"}))
    assert CODES.errors(short) == {"code": "Six digits, as your app shows them."}
    note = CODES.take_out(ask("incident note hello", kind="cli", values={"code": "123456"}))
    assert (note.values, note.codes) == ({}, {"code": "123456"}), "a terminal's ask always has one"
    assert CODES.take_out(plain := ask("incident note hello", kind="form", values={"code": "x"})) is plain


class Phone:
    def __init__(self, db: Database) -> None:
        self.db, self.secret = db, ""

    async def enrol(self) -> None:
        def work(tx: Tx) -> str:
            known = people.believe(tx, "slack", "T1/UBEN", state=people.MEMBER, name="Ben")
            offer = step_up.offer(tx, SEAL, known.person or "", "Ben")
            assert offer
            return offer.secret

        self.secret = await self.db.write(work)

    async def code(self) -> str:
        now = await self.db.read(lambda tx: tx.now)
        return pyotp.TOTP(self.secret).generate_otp(int(now.timestamp()) // 30)


async def stored(db: Database, key: str) -> Ask:
    found = await db.read(lambda tx: inbox.get(tx, key))
    assert found
    return found


async def test_a_code_is_judged_once_with_the_ask_and_stands_in_no_row(db: Database) -> None:
    phone = Phone(db)
    await phone.enrol()
    code = await phone.code()
    store = Store(db, CODES)
    typed = CODES.take_out(ask(f"playbook approve INC-1/2 code={code}"))
    assert await store.put(typed)
    line = (await stored(db, "k1")).line
    assert line.startswith("playbook approve INC-1/2 code=proof-")
    assert not await store.put(typed), "a redelivery is a repeat ..."
    assert (await stored(db, "k1")).line == line, "... and judges nothing again"
    replayed = CODES.take_out(ask("playbook approve INC-1/2", "k2", kind="form", values={"code": code}))
    assert await store.put(replayed)
    assert (await stored(db, "k2")).values == {"code": "wrong:replayed"}
    cli = CODES.take_out(ask(f"playbook approve code={code}", "k3", kind="cli", values={"code": code}))
    await store.put(replace(cli, account="T1/NOBODY"))
    assert (await stored(db, "k3")).values == {"code": "wrong:unknown"}
    await store.close()
    for table in ("inbox", "events", "texts", "proofs", "replies"):
        rows = str(await db.read(lambda tx, table=table: tx.conn.execute(text(f"SELECT * FROM {table}")).all()))
        assert code not in rows and phone.secret not in rows


async def test_redelivered_at_the_same_instant_is_judged_once(db: Database) -> None:
    phone = Phone(db)
    await phone.enrol()
    one = CODES.take_out(ask(f"playbook approve code={await phone.code()}"))
    fresh = await asyncio.gather(*(Store(db, CODES).put(one) for _ in range(4)))
    assert sorted(fresh) == [False, False, False, True]
    assert "code=proof-" in (await stored(db, "k1")).line


async def test_nobody_waits_for_somebody_elses_code(db: Database) -> None:
    """On SQLite there is one writer, and a judgement is as short as any other; on PostgreSQL it may wait for a lock."""
    if db.sqlite:
        return
    phone = Phone(db)
    await phone.enrol()
    held, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(tx: Tx) -> None:
        tx.conn.execute(text("SELECT * FROM factors FOR UPDATE"))
        loop.call_soon_threadsafe(held.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(5)

    holding = asyncio.create_task(db.write(hold))
    await held.wait()
    store = Store(db, CODES)
    coded = [
        asyncio.create_task(store.put(CODES.take_out(ask("playbook approve code=123456", f"c{n}")))) for n in range(8)
    ]
    async with asyncio.timeout(30):
        assert await store.put(ask("incident note hello", "plain")), "stored while eight codes wait for a lock"
    assert not any(task.done() for task in coded)
    release.set()
    await asyncio.gather(holding, *coded)


async def test_without_a_key_the_ask_is_stored_and_says_so(db: Database) -> None:
    await Phone(db).enrol()
    codes = Codes(load_commands(), None)
    await Store(db, codes).put(codes.take_out(ask("playbook approve code=123456")))
    assert (await stored(db, "k1")).line == "playbook approve code=wrong:no-key"
