"""A changed policy rules only once the ruling one's quorum agrees; with two files one approval voids the other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from playbooks.engine import deciding
from playbooks.engine.decisions import policy as changing
from playbooks.engine.policy_change import changed_sections, difference, ruled_by, sections_of
from playbooks.errors import Refused
from playbooks.policy import Policy, parse_policy
from storage import decisions, policies, timeline, verify
from storage.db import Database
from tests.playbooks.engine.conftest import POLICY, Stage

SECOND = POLICY.replace("people: 2,", "people: 1,")
THIRD = POLICY.replace("[ben, chi, dov]", "[ben, chi, dov, eve]").replace("dov: {slack: UDOV}", "eve: {slack: UEVE}")


class Council:
    """A stage on which the first policy rules, and files that propose others."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.house = stage.engine().house

    async def found(self, text: str, *, again: bool = False, db: Database | None = None) -> Any:
        """A process starts with this file."""
        policy = parse_policy(text)
        store = db or self.stage.db
        await store.write(lambda tx: policies.adopt(tx, sections_of(policy), policy.digest()))
        return await store.write(lambda tx: changing.ask(tx, self.house, policy.digest(), again=again))

    async def says(self, who: str, decision: str, choice: str = "approve") -> Any:
        actor, house = self.stage.actor(who), self.house
        return await self.stage.db.write(
            lambda tx: deciding.vote(
                tx, house, decision=decision, digest=None, actor=actor, choice=choice, via="test"  # type: ignore[arg-type]
            )
        )  # fmt: skip

    async def state(self, id: str) -> str:
        return (await self.stage.db.read(lambda tx: decisions.get(tx, id))).state  # type: ignore[union-attr]

    async def active(self) -> str:
        return (await self.stage.db.read(policies.active)).digest  # type: ignore[union-attr]

    async def types(self) -> list[str]:
        return [e.type for e in await self.stage.db.read(lambda tx: timeline.read(tx, "org"))
                if e.type.startswith("policy.")]  # fmt: skip


@pytest.fixture
async def council(stage: Stage) -> Council:
    made = Council(stage)
    assert await made.found(POLICY) is None, "the first rules without asking"
    return made


def digest(text: str) -> str:
    return parse_policy(text).digest()


async def test_a_change_rules_once_the_ruling_quorum_agrees(council: Council) -> None:
    asked = await council.found(SECOND)
    assert (asked.id, asked.kind, asked.asked_by) == ("D-1", "policy", None)
    assert asked.body["shown"] == "• approvals.people: 2 → 1"
    assert (asked.rule["people"], asked.rule["from_"]) == (2, ["sre"])
    assert (await council.found(SECOND)).id == "D-1", "asked once"
    assert not (await council.says("eve", "D-1")).ok
    assert (await council.says("ben", "D-1")).ok and await council.active() == digest(POLICY)
    assert "from now on" in (await council.says("chi", "D-1")).text
    assert await council.active() == digest(SECOND) and await council.state("D-1") == "done"
    assert await council.types() == ["policy.adopted", "policy.proposed", "policy.approved"]
    (told,) = await council.stage.db.read(lambda tx: timeline.read(tx, "org", types=("policy.approved",)))
    assert told.body["replaced"] == digest(POLICY) and len(told.body["by"]) == 2 and told.body["decision"] == "D-1"
    former = await council.stage.db.read(lambda tx: policies.get(tx, digest(POLICY)))
    assert former and former.state == "superseded"
    for verdict in await council.stage.db.read(verify.check_database):
        assert verdict.ok


async def test_of_two_files_the_approved_one_voids_the_other(council: Council) -> None:
    one, two = await council.found(SECOND), await council.found(THIRD)
    assert (one.id, two.id) == ("D-1", "D-2")
    for who in ("ben", "chi"):
        await council.says(who, "D-2")
    assert await council.active() == digest(THIRD)
    assert (await council.state("D-1"), await council.state("D-2")) == ("void", "done")
    assert not (await council.says("ben", "D-1")).ok
    again = await council.found(SECOND)
    assert again.id == "D-3" and again.body["active"] == digest(THIRD), "asked anew, against what rules now"
    assert "groups.sre.people: ben, chi, dov, eve → ben, chi, dov" in again.body["shown"]


async def test_two_replicas_that_start_at_once_ask_once(council: Council, url: str) -> None:
    handles = [Database(url), Database(url)]
    found = await asyncio.gather(*(council.found(SECOND, db=db) for db in handles for _ in range(3)))
    assert {one.id for one in found} == {"D-1"}
    for db in handles:
        await db.close()


async def test_a_denied_change_stays_denied_until_somebody_asks_again(council: Council) -> None:
    await council.found(SECOND)
    assert (await council.says("ben", "D-1", "deny")).ok
    assert await council.found(SECOND) is None
    assert await council.active() == digest(POLICY)
    assert (await council.found(SECOND, again=True)).id == "D-2"
    assert (await council.found(THIRD)).id == "D-3", "another file is another question"


async def test_an_old_answer_cannot_overrule_a_newer_policy(council: Council) -> None:
    """Whatever the rows of decisions say: what was asked against another ruling policy does nothing."""
    await council.found(SECOND)
    await council.says("ben", "D-1")
    await council.found(THIRD)
    await council.stage.db.write(lambda tx: policies.activate(tx, digest(THIRD), decision="D-2", by=[]))
    said = await council.says("chi", "D-1")
    assert not said.ok and "Another policy rules by now" in said.text
    assert await council.active() == digest(THIRD)


async def test_nothing_is_asked_of_a_policy_nobody_found(council: Council) -> None:
    with pytest.raises(Refused, match="No policy"):
        await council.stage.db.write(lambda tx: changing.ask(tx, council.house, "f" * 64))


def test_differences_are_words() -> None:
    before, after = parse_policy(POLICY), parse_policy(THIRD.replace("people: 2,", "people: 3, groups: {sre: 1},"))
    lines = difference(sections_of(before), sections_of(after))
    assert "approvals.people: 2 → 3" in lines and "approvals.groups.sre: added (1)" in lines
    assert "people.dov: removed (was slack UDOV)" in lines and "people.eve: added (slack UEVE)" in lines
    assert changed_sections(sections_of(before), sections_of(after)) == ["approvals", "groups", "people"]
    assert difference(sections_of(before), sections_of(before)) == []
    many = {**sections_of(before), "people": {f"p{n}": {"slack": f"U{n}"} for n in range(100)}}
    assert difference(sections_of(before), many)[-1].startswith("… and ")


async def test_who_can_change_the_file_makes_no_administrators(council: Council) -> None:
    asked = await council.found(POLICY + "permissions: {administer: sre, see_private: sre}\n")
    assert asked.body["shown"].splitlines() == [
        "• permissions.administer: none → sre", "• permissions.see_private: none → sre",
    ]  # fmt: skip
    ruling = await council.stage.db.read(policies.active)
    assert ruling and ruling.sections["permissions"]["administer"] == []
    for who in ("ben", "chi"):
        await council.says(who, "D-1")
    ruling = await council.stage.db.read(policies.active)
    assert ruling and ruling.sections["permissions"]["administer"] == ["sre"]


def test_what_rules_is_the_file_with_the_rows_sections() -> None:
    mine, ruling = parse_policy(SECOND + "texts: {a: b}\n"), parse_policy(POLICY)
    found = ruled_by(mine, sections_of(ruling))
    assert isinstance(found, Policy) and found.digest() == ruling.digest() and found.texts == {"a": "b"}
    with pytest.raises(Refused, match=r"cannot read the policy's approvals\.people"):
        ruled_by(mine, {**sections_of(ruling), "approvals": {"people": "many"}})


async def test_open_for_a_long_weekend(council: Council) -> None:
    asked = await council.found(SECOND)
    assert (asked.expires_at - asked.opened_at).total_seconds() == 72 * 3600
    assert replace(changing.rule(council.house), member_age_s=None) == changing.rule(council.house)
