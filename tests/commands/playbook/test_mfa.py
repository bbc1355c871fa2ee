"""/playbook mfa"""

from __future__ import annotations

from typing import Any

import pytest

from commands.playbook.mfa import Mfa
from playbooks import step_up
from storage import factors, people
from storage.inbox import Ask
from storage.sealing import Seal, new_key
from tests.commands.playbook.conftest import trusted
from tests.commands.playbook.test_join import administered
from tests.phone import Phone

SEAL = Seal(new_key())


async def person(talk: Any, who: str) -> str:
    return str((await talk.read(lambda tx: people.account(tx, "slack", f"T1/U{who.upper()}"))).person)


async def verdict(talk: Any, who: str, code: str, ask: str) -> str:
    """What the door would have put in the place of a code."""
    whose = await person(talk, who)
    return str(await talk.house.db.write(lambda tx: step_up.check(tx, SEAL, whose, code, ask)))


@pytest.fixture
async def phone(talk: Any) -> Phone:
    return await Phone.of(talk.house.db, SEAL, await person(talk, "Ben"))


def test_alone_it_opens_its_form() -> None:
    ask = Ask("k", "command", "playbook mfa", "slack", "T1/UBEN", "slack")
    assert Mfa.form(ask) and not Mfa.form(Ask("k", "command", "playbook mfa off", "slack", "T1/UBEN", "slack"))


async def test_the_first_code_sets_it_up(talk: Any) -> None:
    ben = await person(talk, "Ben")
    said = await talk("Ben", "playbook mfa")
    assert not said.ok and "opens a form" in said.text
    offer = await talk.house.db.write(lambda tx: step_up.offer(tx, SEAL, ben, "Ben"))
    app = Phone(talk.house.db, ben, offer.secret)
    wrong = await verdict(talk, "Ben", await app.bad(), "k1")
    said = await talk("Ben", "playbook mfa", key="k1", kind="form", values={"code": wrong})
    assert not said.ok and "4 tries left" in said.text
    assert [(b.line, b.asks) for b in said.buttons] == [("playbook mfa", "code")], (
        "again, with the key that was scanned"
    )
    right = await verdict(talk, "Ben", await app.code(), "k2")
    said = await talk("Ben", "playbook mfa", key="k2", kind="form", values={"code": right})
    assert said.ok and "are set up" in said.text
    assert await talk.read(lambda tx: step_up.enrolled(tx, ben))
    (event,) = await talk.events("org", "factor.enrolled")
    assert (event.actor, event.body) == (ben, {"person": ben, "method": "totp"})
    assert "set up since" in (await talk("Ben", "playbook mfa", kind="cli")).text


async def test_off_takes_a_code(talk: Any, phone: Phone) -> None:
    said = await talk("Ben", "playbook mfa off")
    assert not said.ok and "needs a one-time code" in said.text
    assert await talk.read(lambda tx: step_up.enrolled(tx, phone.person))
    proof = await verdict(talk, "Ben", await phone.code(), "k1")
    said = await talk("Ben", f"playbook mfa off code={proof}", key="k1")
    assert said.ok and not await talk.read(lambda tx: step_up.enrolled(tx, phone.person))


@pytest.fixture
async def admin(talk: Any) -> None:
    """Chi administers, and everybody has been a member for long."""
    administered(talk)
    await talk.member("Chi", "boss")
    await trusted(talk)


async def test_a_lost_phone_takes_an_administrator_and_one_other(talk: Any, phone: Phone, admin: Any) -> None:
    """Ben, whose it is, asks and is none of the two; Ana and Eve are two, and neither is an administrator."""
    said = await talk("Ben", "playbook mfa reset")
    assert said.ok and "*D-1*" in said.text
    assert "does not count" in (await talk("Ben", "playbook confirm D-1")).text
    assert "1 of 2" in (await talk("Ana", "playbook confirm D-1")).text
    assert "still takes an administrator" in (await talk("Eve", "playbook confirm D-1")).text
    assert await talk.read(lambda tx: step_up.enrolled(tx, phone.person))
    done = await talk("Chi", "playbook confirm D-1")
    assert done.ok and "are forgotten" in done.text
    found = await talk.read(lambda tx: factors.get(tx, phone.person))
    assert (found.state, found.secret) == ("revoked", "")
    (event,) = await talk.events("org", "factor.revoked")
    assert event.body == {"person": phone.person, "decision": "D-1"}


async def test_nobody_resets_what_is_not_there_or_was_set_up_anew(talk: Any, phone: Phone, admin: Any) -> None:
    assert "nothing to reset" in (await talk("Chi", "playbook mfa reset UEVE")).text
    assert (await talk("Chi", "playbook mfa reset UBEN")).ok
    await talk.house.db.write(lambda tx: factors.revoke(tx, phone.person, phone.person))
    await Phone.of(talk.house.db, SEAL, phone.person)
    said = await talk("Ana", "playbook confirm D-1")
    assert not said.ok and "gone already" in said.text
    assert await talk.read(lambda tx: step_up.enrolled(tx, phone.person)), "the new ones stay"
