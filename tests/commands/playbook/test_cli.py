"""/playbook cli"""

from __future__ import annotations

from typing import Any

from storage import credentials
from storage.credentials import new_pairing, new_token
from tests.commands.playbook.test_mfa import SEAL, person, verdict
from tests.phone import Phone


async def test_a_terminal_is_let_in_with_a_code_and_ended_without(talk: Any) -> None:
    ben = await Phone.of(talk.house.db, SEAL, await person(talk, "Ben"))
    pairing, token = new_pairing(), new_token()
    assert "No terminal" in (await talk("Ben", "playbook cli")).text
    assert "no code of `muster login`" in (await talk("Ben", "playbook cli ABCD")).text
    asked = await talk("Ben", f"playbook cli {pairing.lower()}")
    assert not asked.ok and (asked.buttons[0].line, asked.buttons[0].asks) == (f"playbook cli {pairing}", "code")
    wrong = await verdict(talk, "Ben", await ben.bad(), "k1")
    assert "wrong" in (await talk("Ben", f"playbook cli {pairing} code={wrong}", key="k1")).text
    proof = await verdict(talk, "Ben", await ben.code(), "k2")
    assert (await talk("Ben", f"playbook cli {pairing} code={proof}", key="k2")).ok
    assert "not claimed yet" in (await talk("Ben", "playbook cli")).text
    proof = await verdict(talk, "Ben", await ben.code(), "k3")
    assert "used before" in (await talk("Ben", f"playbook cli {pairing} code={proof}", key="k3")).text
    mine = await talk.house.db.write(lambda tx: credentials.claim(tx, pairing, token, "ben@box"))
    assert mine.person == ben.person and "ben@box until" in (await talk("Ben", "playbook cli")).text
    assert "Ended: 1" in (await talk("Ben", "playbook cli revoke")).text
    assert await talk.read(lambda tx: credentials.find(tx, token)) is None
    types = [e.type for e in await talk.events("org") if e.type.startswith("credential.")]
    assert types == ["credential.allowed", "credential.enrolled", "credential.revoked"]


async def test_who_asks_from_a_terminal_proves_it_each_time(talk: Any) -> None:
    ben = await Phone.of(talk.house.db, SEAL, await person(talk, "Ben"))
    pairing = new_pairing()
    await talk.house.db.write(lambda tx: credentials.allow(tx, ben.person, pairing))
    mine = await talk.house.db.write(lambda tx: credentials.claim(tx, pairing, new_token(), "ben@box"))
    cli = {"account_kind": "cli", "account": mine.id, "kind": "cli", "via": "cli"}
    said = await talk("Ben", "incident list", **cli)
    assert not said.ok and "needs a one-time code" in said.text
    (event,) = await talk.events("org", "access.refused")
    assert (event.body["kind"], event.body["person"]) == ("cli", ben.person)
    proof = await verdict(talk, "Ben", await ben.code(), "k1")
    assert (await talk("Ben", "incident list", key="k1", values={"code": proof}, **cli)).ok
    said = await talk("Ben", "incident list", key="k2", values={"code": proof}, **cli)
    assert not said.ok and "no code of yours for this" in said.text
    other = new_pairing()
    proof = await verdict(talk, "Ben", await ben.code(), "k3")
    said = await talk("Ben", f"playbook cli {other}", key="k3", values={"code": proof}, **cli)
    assert not said.ok and "cannot let another one in" in said.text
    await talk.house.db.write(lambda tx: credentials.revoke(tx, mine.id, ben.person))
    proof = await verdict(talk, "Ben", await ben.code(), "k4")
    said = await talk("Ben", "incident list", key="k4", values={"code": proof}, **cli)
    assert not said.ok and "deactivated" in said.text
