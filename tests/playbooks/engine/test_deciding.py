"""Decisions of two people: whose word counts, what is done once, every attempt an event, every end told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from playbooks.engine import deciding
from playbooks.engine.deciding import DecisionRule
from playbooks.engine.held import House
from playbooks.errors import Refused
from playbooks.policy import parse_policy
from storage import cards, decisions, people, replies, timeline, timers, verify
from storage.db import Tx
from storage.decisions import Decision
from storage.tables_guard import decisions as rows
from tests.playbooks.engine.conftest import POLICY

DONE: list[tuple[str, list[str]]] = []
NO: list[str] = []


@deciding.handler("toy")
def toy(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """Write something down, then refuse where the test says so."""
    people.refreshed(tx, "toy:done")
    if NO:
        raise Refused(NO[0])
    DONE.append((decision.id, by))
    return "It is done."


class Table:
    """People around one decision."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        self.house = stage.engine().house

    def person(self, who: str) -> str:
        return str(self.stage.persons[who])

    async def propose(self, by: str | None = "ana", subject: str = "x", stream: str = "org", **rule: Any) -> Decision:
        made: Decision = await self.stage.db.write(
            lambda tx: deciding.propose(
                tx, self.house, kind="toy", subject=subject, body={"title": "Do the toy"}, stream=stream,
                asked_by=self.person(by) if by else None, rule=DecisionRule(**{"people": 2, "from_": ("sre",), **rule}),
            )
        )  # fmt: skip
        return made

    async def says(self, who: str, choice: str = "approve", decision: str = "D-1", **more: Any) -> Any:
        actor = self.stage.actor(who)
        given = {"digest": None, "via": "test", **more}
        return await self.stage.db.write(
            lambda tx: deciding.vote(tx, self.house, decision=decision, actor=actor, choice=choice, **given)
        )

    async def now(self, id: str = "D-1") -> Decision:
        found = await self.stage.db.read(lambda tx: decisions.get(tx, id))
        assert found
        return found  # type: ignore[no-any-return]

    async def events(self, *types: str, stream: str = "org") -> list[timeline.Event]:
        return await self.stage.db.read(lambda tx: timeline.read(tx, stream, types=types))  # type: ignore[no-any-return]

    async def proven(self) -> None:
        for verdict in await self.stage.db.read(verify.check_database):
            assert verdict.ok, verdict.bad


@pytest.fixture
def table(stage: Any) -> Table:
    DONE.clear()
    NO.clear()
    return Table(stage)


async def test_two_besides_who_asked_and_it_is_done_once(table: Table) -> None:
    made = await table.propose()
    assert (made.id, made.state) == ("D-1", "open")
    asked = await table.says("ana")
    assert not asked.ok and "You asked for this" in asked.text
    assert "1 of 2" in (await table.says("ben", digest=made.digest[:12])).text
    assert "already counts" in (await table.says("ben")).text
    assert not (await table.says("eve")).ok
    last = await table.says("chi")
    assert last.ok and last.text == "It is done."
    assert not (await table.says("dov")).ok, "it is over"
    ben, chi = table.person("ben"), table.person("chi")
    assert [("D-1", [ben, chi])] == DONE
    assert (await table.now()).state == "done"
    voted = [(e.actor, e.body["counted"], e.body["why"]) for e in await table.events("decision.voted")]
    assert voted == [
        (table.person("ana"), False, "barred"), (ben, True, ""), (ben, False, "already counted"),
        (table.person("eve"), False, "group"), (chi, True, ""), (table.person("dov"), False, "it is done"),
    ]  # fmt: skip
    (done,) = await table.events("decision.done")
    assert done.body["by"] == [ben, chi] and done.body["digest"] == made.digest
    assert done.seq > (await table.events("decision.voted"))[4].seq
    await table.proven()


async def test_who_asks_may_be_one_of_them(table: Table) -> None:
    await table.propose(by="ben", asker_counts=True)
    assert [e.body["via"] for e in await table.events("decision.voted")] == ["asked"]
    assert "already counts" in (await table.says("ben")).text
    assert (await table.says("chi")).text == "It is done."
    await table.propose(by="eve", subject="y", asker_counts=True)
    assert "1 of 2" in (await table.says("ben", decision="D-2")).text, "asking is no yes of somebody not eligible"
    with pytest.raises(ValueError, match="somebody besides"):
        DecisionRule(people=1, asker_counts=True)


async def test_an_administrator_must_be_among_them(table: Table) -> None:
    stage = table.stage
    with pytest.raises(Refused, match="administer"):
        await table.propose(admin=True)
    table.house.policy = parse_policy(
        POLICY.replace("groups: {", "groups: {boss: {people: [dov]}, ") + "permissions: {administer: boss}\n"
    )
    await stage.db.write(lambda tx: people.set_group(tx, "boss", {"policy": [table.person("dov")]}))
    await table.propose(admin=True)
    await table.says("ben")
    said = await table.says("chi")
    assert said.ok and "still takes an administrator" in said.text and not DONE
    assert (await table.says("dov")).text == "It is done."
    assert [sorted([table.person(one) for one in ("ben", "chi", "dov")])] == [sorted(by) for _, by in DONE]


async def test_no_ends_it_and_who_asked_may_take_it_back(table: Table) -> None:
    await table.propose()
    assert not (await table.says("eve", "deny")).ok
    said = await table.says("ben", "deny", reason="not today")
    assert "Nothing was changed" in said.text
    now = await table.now()
    assert (now.state, now.reason) == ("denied", "rejected by Ben: not today")
    assert not (await table.says("chi")).ok and not DONE
    await table.propose(subject="y")
    assert (await table.says("ana", "deny", decision="D-2")).ok
    assert len(await table.events("decision.denied")) == 2
    await table.proven()


async def test_the_deadline_is_the_databases(table: Table) -> None:
    made = await table.propose()
    await table.stage.db.write(lambda tx: deciding.expire(tx, "D-1"))
    assert (await table.now()).state == "open", "an early timer changes nothing"
    due = await table.stage.db.read(lambda tx: tx.conn.execute(timers.timers.select()).mappings().one())
    assert (due["kind"], due["subject"], due["due_at"]) == ("decision", "D-1", made.expires_at)
    past = made.opened_at - timedelta(seconds=1)
    await table.stage.db.write(lambda tx: tx.conn.execute(update(rows).values(expires_at=past)))
    said = await table.says("ben")
    assert not said.ok and "expired" in said.text
    await table.stage.db.write(lambda tx: deciding.expire(tx, "D-1"))
    assert (await table.now()).state == "expired" and len(await table.events("decision.expired")) == 1


async def test_what_cannot_be_done_now_keeps_the_word_and_nothing_else(table: Table) -> None:
    await table.propose()
    NO.append("The moon is full.")
    await table.says("ben")
    said = await table.says("chi")
    assert not said.ok and "The moon is full." in said.text
    assert (await table.now()).state == "open"
    assert await table.stage.db.read(lambda tx: people.refreshed_at(tx, "toy:done")) is None, "undone"
    assert [e.body["counted"] for e in await table.events("decision.voted")] == [True, True]
    NO.clear()
    assert (await table.says("chi")).text == "It is done.", "said again it is tried again"
    await table.proven()


async def test_old_and_foreign_cards_and_unknown_decisions(table: Table) -> None:
    await table.propose()
    assert "not the card" in (await table.says("ben", digest="0000")).text
    assert not (await table.says("ben", decision="D-9")).ok
    await table.stage.db.write(lambda tx: cards.want(tx, "run", "org/1", "org"))
    card = await table.stage.db.read(lambda tx: cards.get(tx, "run", "org/1"))
    await table.stage.db.write(lambda tx: cards.shown(tx, card, channel="C1", ts="1.1", digest=""))
    assert "not the one of D-1" in (await table.says("ben", pressed=("C1", "1.1"))).text
    assert [e.body["counted"] for e in await table.events("decision.voted")] == [False, False]


async def test_the_same_asked_twice_is_one_and_void_ends_it(table: Table) -> None:
    one, two = await table.propose(), await table.propose(by="eve")
    assert one == two
    await table.stage.db.write(lambda tx: deciding.void(tx, one, "the file changed"))
    assert (await table.now()).reason == "the file changed"
    assert (await table.propose()).id == "D-2", "and may be asked anew"


async def test_where_no_channel_takes_the_card_those_who_can_are_written_to(table: Table) -> None:
    made = await table.propose()
    sent = await table.stage.db.write(lambda tx: replies.claim(tx, "t"))
    assert sorted(one.account for one in sent) == ["T1/UBEN", "T1/UCHI", "T1/UDOV"]
    assert sent[0].body["buttons"][0]["line"] == f"playbook confirm D-1 digest={made.digest[:12]}"


async def test_who_leaves_between_two_words_is_counted_out(table: Table) -> None:
    await table.propose()
    await table.says("ben")
    left = [table.person("chi"), table.person("dov")]
    await table.stage.db.write(lambda tx: people.set_group(tx, "sre", {"policy": left}))
    assert "1 of 2" in (await table.says("chi")).text
    assert (await table.says("dov")).ok and [("D-1", left)] == DONE
