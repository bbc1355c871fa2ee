"""/playbook erase: an administrator and a second person, never about oneself; then /playbook escrow opens what is kept."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from playbooks.policy import parse_policy
from storage import escrow, people
from storage.db import Tx
from storage.sealing import Seal, new_key
from storage.tables import memberships
from tests.commands.conftest import POLICY

ADMINS = POLICY.replace("see_private: sre }", "see_private: sre, administer: administrators }").replace(
    "groups:\n", "groups:\n  administrators: { people: [ben] }\n"
)
SEAL = Seal(new_key())


@pytest.fixture
async def office(talk: Any) -> Any:
    """Ben administers; Dan approved something once and has left."""
    talk.house.policy = talk.house.engine.house.policy = parse_policy(ADMINS)
    talk.house.engine.house.tools = {Seal: SEAL}
    await talk.member("Ben", "sre", "administrators")
    talk.dan = await talk.member("Dan", "sre")
    await talk.house.db.write(lambda tx: tx.conn.execute(update(memberships).values(confirmed=True)))
    return talk


async def _erased(office: Any) -> Any:
    """Dan voted on a decision once; then he is erased."""
    held = await office.declare()
    asked = await office("Chi", "incident hold case 7")
    assert (await office("Dan", f"playbook confirm {asked.data['decision']}")).ok
    asked = await office("Chi", "playbook erase <@UDAN|dan> he left")
    assert asked.ok, asked.text
    assert not (await office("Dan", f"playbook confirm {asked.data['decision']}")).ok, "it is about him"
    more = await office("Ana", f"playbook confirm {asked.data['decision']}")
    assert "takes an administrator" in more.text
    done = await office("Ben", f"playbook confirm {asked.data['decision']}")
    assert done.ok and "is erased" in done.text and "stays sealed until" in done.text, done.text
    return held


async def test_a_person_is_forgotten_but_for_sealed_escrow(office: Any) -> None:
    await _erased(office)

    def look(tx: Tx) -> None:
        assert people.name(tx, office.dan) == office.dan
        assert people.account(tx, "slack", "T1/UDAN") is None
        assert escrow.known(tx, office.dan).opened is False

    await office.read(look)
    (event,) = await office.events("org", "person.erased")
    assert event.body["person"] == office.dan and event.text("reason") == "he left"
    again = await office("Chi", f"playbook erase {office.dan} again")
    assert not again.ok and "erased already" in again.text


async def test_who_the_policy_names_is_not_erased(office: Any) -> None:
    def named(tx: Tx) -> None:
        from storage import policies

        policies.adopt(tx, {**{key: {} for key in policies.GUARDED}, "people": {"dan": {"slack": "UDAN"}}}, "d1")

    await office.house.db.write(named)
    said = await office("Chi", "playbook erase <@UDAN> he left")
    assert not said.ok and "policy still names" in said.text and "muster.yaml" in said.text


@pytest.mark.parametrize("who", ["<@UNOBODY>", "P-AAAAAAAAAAAA"])
async def test_nobody_is_nobody(office: Any, who: str) -> None:
    said = await office("Chi", f"playbook erase {who} x")
    assert not said.ok and ("nobody Muster knows" in said.text or "There is no person" in said.text)
