"""A second look: by somebody else who may approve or administers; accepted, objected, reminded, overdue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from playbooks.directory import Person
from playbooks.engine import moves
from playbooks.engine.reviewing import due, review
from playbooks.policy import parse_policy
from storage import people
from storage.db import Tx
from storage.tables_guard import reviews
from tests.playbooks.engine.booths import Glass
from tests.playbooks.engine.conftest import POLICY

DESTROY = "  - {id: boom, uses: toy.destroy, with: {tag: boom}}\n"


@pytest.fixture
async def glass(stage: Any) -> Glass:
    """Ben has broken the glass for Ana's run."""
    held = await Glass.held(stage, DESTROY)
    assert (await held.breaks("ben", "people")).ok
    return held


async def test_somebody_else_accepts_it_once(glass: Glass) -> None:
    assert "decided this yourself" in (await glass.reviews("ben")).text
    assert "You asked for this run" in (await glass.reviews("ana")).text
    assert "Reviewing needs `@sre`" in (await glass.reviews("eve")).text
    assert "needs a reason" in (await glass.reviews("chi", "object")).text
    said = await glass.reviews("chi", "accept", "right call")
    assert said.ok and "Ben alone" in said.text
    again = await glass.reviews("dov")
    assert (again.ok, "has been done: accepted" in again.text) == (False, True)
    refused = await glass.events("review.refused")
    assert [event.body["why"] for event in refused] == ["self", "barred", "group", "no reason", "done"]
    (done,) = await glass.events("review.done")
    assert (done.body["state"], done.text("reason")) == ("accepted", "right call")
    assert await glass.timer("review") is None


async def test_an_objection_is_told_to_everyone(glass: Glass) -> None:
    assert (await glass.reviews("dov", "object", "the replica was behind")).ok
    told = (await glass.told())[-1]
    assert "Dov objects" in told["text"] and "the replica was behind" in told["text"]
    assert {"UBEN", "UCHI", "UANA"} <= set(told["users"])


async def test_strangers_and_nothing_to_review(glass: Glass) -> None:
    nobody = Person("slack", "T9/U9", None, "Stranger", "You are a guest.", frozenset(), False)
    given: dict[str, Any] = {"verdict": "accept", "reason": "", "via": "test"}
    said = await glass.write(lambda tx: review(tx, glass.engine, run=glass.run, actor=nobody, **given))
    assert (said.ok, said.text) == (False, "You are a guest.")
    plain = await glass.stage.request("  - {id: look, uses: toy.safe}\n", glass.engine)
    glass.run = plain
    assert "Nothing in" in (await glass.reviews("chi")).text
    glass.run = "INC-404/1"
    assert "There is no run" in (await glass.reviews("chi")).text


async def test_an_administrator_may_who_may_not_approve(glass: Glass) -> None:
    policy = POLICY.replace("groups: {", "permissions: {administer: [bosses]}\ngroups: {bosses: {people: [ben]}, ")
    glass.engine.house.policy = parse_policy(policy)
    eve = glass.stage.persons["eve"]
    await glass.write(lambda tx: people.set_group(tx, "bosses", {"policy": [eve]}))
    assert (await glass.reviews("eve")).ok


async def test_reminded_before_and_escalated_after(glass: Glass) -> None:
    policy = POLICY.replace("groups: {", "permissions: {administer: [bosses]}\ngroups: {bosses: {people: [ben]}, ")
    glass.engine.house.policy = parse_policy(policy)
    await glass.write(lambda tx: people.set_group(tx, "bosses", {"policy": [glass.stage.persons["eve"]]}))
    task = await glass.task()
    assert task is not None
    await glass.write(lambda tx: due(tx, glass.engine, task.approval))
    reminder = (await glass.told())[-1]
    assert "is due by" in reminder["text"] and reminder["channel"] is None
    assert "UCHI" in reminder["users"] and not {"UBEN", "UANA"} & set(reminder["users"])
    assert (await glass.timer("review"))[0] == task.due_at  # type: ignore[index]

    def late(tx: Tx) -> None:
        tx.conn.execute(update(reviews).values(due_at=tx.now - timedelta(seconds=1)))
        due(tx, glass.engine, task.approval)

    await glass.write(late)
    told = (await glass.told())[-1]
    assert "has been due since" in told["text"] and told["channel"] == "#incidents" and "UEVE" in told["users"]
    assert len(await glass.events("review.overdue")) == len(await glass.events("review.reminded")) == 1
    await glass.reviews("chi")
    before = len(await glass.told())
    await glass.write(lambda tx: due(tx, glass.engine, task.approval))
    assert len(await glass.told()) == before and await glass.timer("review") is None


def test_a_review_ends_once() -> None:
    with pytest.raises(moves.IllegalMove):
        moves.check("review", "accepted", "objected")
