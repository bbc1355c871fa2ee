"""Contain: one eligible person with a code starts what only closes access; everyone hears of it, a second one looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from playbooks.action import Act, Again, Outputs, Risk, action
from playbooks.engine import alone
from playbooks.errors import Refused
from playbooks.policy import parse_policy
from storage import runs, verify
from storage.db import Tx
from tests.playbooks.engine.booths import Glass
from tests.playbooks.engine.conftest import POLICY, Destroy, Outside, Told


@action("toy.close", risk=Risk.CONTAIN, again=Again.NEVER, result=Told)
class Close(Destroy):
    """Close something."""

    why_no_undo = ""

    async def undo(self, act: Act, done: Any) -> Outputs:
        await act.use(Outside).effect("opened again")
        return Told(name="open")


CLOSE = "  - {id: shut, uses: toy.close, with: {tag: shut}}\n"


@pytest.fixture
async def gate(stage: Any) -> Glass:
    return await Glass.held(stage, CLOSE)


async def test_one_person_with_a_code_closes_it(gate: Glass) -> None:
    assert (gate.asked.mode, gate.asked.covers["mode"], gate.asked.rule["people"]) == ("contain", "contain", 1)
    assert "code" in (await gate.votes("ben")).text and (await gate.now()).state == "open"
    said = await gate.votes("ben", code=True)
    assert "1 of 1: it starts now" in said.text
    assert await gate.task() is None and await gate.told() == [], "nothing has been closed yet"
    await gate.starts()
    await gate.stage.ended(gate.run, "succeeded")
    assert len(gate.stage.outside.effects) == 1
    task = await gate.task()
    assert task is not None and (task.kind, task.person, task.state) == ("contain", gate.stage.persons["ben"], "open")
    (opened,) = await gate.events("review.opened")
    assert task.due_at - opened.at == timedelta(hours=1)
    (told,) = await gate.told()
    assert "Ben alone approved" in told["text"] and "full quorum" in told["text"]
    assert {"UBEN", "UCHI", "UDOV", "UANA"} <= set(told["users"]) and told["channel"] == "#incidents"
    due = await gate.timer("review")
    assert due is not None and opened.at < due[0] < task.due_at
    assert all(verdict.ok for verdict in await gate.stage.db.read(verify.check_database))


async def test_who_asked_may_be_the_one_if_eligible(stage: Any) -> None:
    gate = await Glass.held(stage, CLOSE, by="dov")
    assert (await gate.votes("dov", code=True)).ok
    await gate.starts()
    await stage.ended(gate.run, "succeeded")
    task = await gate.task()
    assert task is not None and task.person == stage.persons["dov"]
    assert "decided this yourself" in (await gate.reviews("dov")).text
    assert (await gate.reviews("chi")).ok


async def test_who_is_in_no_group_that_may_approve_closes_nothing(gate: Glass) -> None:
    said = await gate.votes("ana", code=True)
    assert not said.ok and "Approving needs `@sre`" in said.text
    assert not (await gate.votes("eve", code=True)).ok
    assert (await gate.now()).state == "open"


async def test_policy_may_want_somebody_else_than_who_asked(stage: Any) -> None:
    stage.policy = parse_policy(
        POLICY.replace("page_missing: false", "contain: {requester: never, review_within: 20m}")
    )
    gate = await Glass.held(stage, CLOSE, by="dov")
    said = await gate.votes("dov", code=True)
    assert not said.ok and "You asked for this run" in said.text
    assert (await gate.votes("ben", code=True)).ok
    await gate.starts()
    await stage.ended(gate.run, "succeeded")
    task, (opened,) = await gate.task(), await gate.events("review.opened")
    assert task is not None and task.due_at - opened.at == timedelta(minutes=20)


async def test_opening_again_is_destructive(stage: Any) -> None:
    assert (Close.risk.destructive, Close.risk.guarded, Close.undo_risk().destructive) == (False, True, True)
    rule = stage.policy.rule_for(Close.undo_risk())
    assert rule.people == 2


def test_contain_without_an_undo_is_refused_at_declaration() -> None:
    with pytest.raises(TypeError, match="brings its undo"):

        @action("toy.shut_for_ever", risk=Risk.CONTAIN, again=Again.NEVER, result=Told)
        class Shut(Destroy):
            """Close something for ever."""


async def test_it_is_told_once_however_often_it_is_tried(gate: Glass) -> None:
    await gate.votes("ben", code=True)
    asked = await gate.now()

    def acts(tx: Tx) -> None:
        run = runs.get(tx, gate.run)
        assert run is not None
        alone.acts(tx, gate.engine.house, run, asked, gate.stage.persons["ben"])

    await gate.write(acts)
    await gate.write(acts)
    assert len(await gate.told()) == 1 and len(await gate.events("review.opened")) == 1


async def test_nobody_acts_alone_where_nobody_can_be_told(gate: Glass) -> None:
    """The organisation's own `comms/acted-alone` cannot be read: the step fails with that, and nothing is closed."""
    await gate.votes("ben", code=True)

    def unreadable(name: str) -> Any:
        raise Refused(f"The playbook **{name}** cannot be read")

    again = gate.stage.engine("again")
    again.house.find_playbook = unreadable
    await again.start()
    await gate.stage.ended(gate.run, "paused")
    (step,) = await gate.stage.steps(gate.run)
    assert (step.state, step.error) == ("failed", "The playbook **comms/acted-alone** cannot be read")
    assert gate.stage.outside.effects == [] and await gate.task() is None


def test_words_of_people_mention_nobody() -> None:
    assert alone.plain("a <!channel>\n& b") == "a &lt;!channel&gt; &amp; b"
    assert len(alone.plain("x" * 5000)) == 1000
