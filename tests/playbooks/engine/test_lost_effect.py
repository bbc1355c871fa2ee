"""A person says what became of a lost effect: what it means for the step, its run and what people approved."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.engine.answering import answer
from playbooks.errors import Uncertain
from storage import runs
from tests.playbooks.engine.test_covering import granted, said, tags, whole
from tests.playbooks.engine.test_engine import vote_of
from tests.playbooks.engine.test_requests import TWO, Asked

STAGE = """
  - {id: one, stage: cutover, uses: toy.destroy, with: {tag: one}}
  - {id: two, stage: cutover, uses: toy.destroy, with: {tag: two}}
  - {id: three, stage: cutover, uses: toy.destroy, with: {tag: three}}
"""


@pytest.mark.parametrize(("choice", "state", "run", "attempt"), [
    ("happened", "done", "running", 1), ("did-not", "pending", "running", 2), ("abort", "aborted", "aborted", 1),
])  # fmt: skip
async def test_a_person_says_what_became_of_it(stage: Any, choice: str, state: str, run: str, attempt: int) -> None:
    engine = stage.engine()
    asked = Asked(stage, engine, await stage.request(TWO, engine))
    question = {"text": "?", "choices": ["happened", "did-not", "abort"]}
    unknown = ({1: {"state": "started", "params": {"tag": "one"}}}, {1: {"state": "unknown"}})
    await asked.put("running", *unknown, {1: {"state": "asking", "question": question}})
    await asked(answer, step=None, choice=choice)
    found, steps, _ = await asked.rows()
    assert (found.state, steps[0].state, steps[0].attempt) == (run, state, attempt)
    if choice == "did-not":
        assert steps[0].requesters == [asked.stage.persons["ben"]], "who says so asks for the next attempt"


async def test_it_did_not_happen_in_the_middle_of_a_stage_ends_what_was_approved_for_the_rest(stage: Any) -> None:
    """The old approval is good for nothing any more; the next one binds the step and all that is left, together."""
    engine, real = stage.engine(), stage.outside.effect

    async def lost(name: str) -> None:
        if name.startswith("two@") and name.endswith(":1"):
            raise Uncertain("no answer")
        await real(name)

    stage.outside.effect, stage.outside.can_tell = lost, False
    run = await stage.request(STAGE, engine)
    await engine.start()
    first = await granted(stage, engine, run)
    step = await stage.until(lambda tx: (s := runs.steps_of(tx, run)[1]).state == "asking" and s)
    asked = await stage.db.read(lambda tx: runs.approval(tx, first.id))
    assert (asked.state, asked.plan["started"]) == ("granted", [1, 2]), "the third step still stands on it"
    await engine.stop()
    await stage.db.write(lambda tx: answer(tx, engine, run=run, step=None, actor=stage.actor("dov"), choice="did-not"))
    rows = await stage.steps(run)
    assert [(one.state, one.approval) for one in rows] == [
        ("succeeded", first.id),
        ("pending", None),
        ("pending", None),
    ]
    asked = await stage.db.read(lambda tx: runs.approval(tx, first.id))
    assert (asked.state, asked.reason) == ("void", "a person says that step 2 did not happen")
    (void,) = await said(stage, "approval.void")
    assert (void.body["approval"], void.body["step"]) == (first.id, 2)
    assert not (await vote_of(stage, engine, run, "ben", digest=first.digest)).ok, "the old button is dead"

    stage.outside.can_tell = True
    again = stage.engine("again")
    await again.start()
    second = await stage.held(run)
    assert [part["index"] for part in second.covers["steps"]] == [2, 3] and second.digest != first.digest
    assert second.covers["steps"][0]["params"]["attempt"] == step.attempt + 1
    assert not (await vote_of(stage, again, run, "dov")).ok, "who says so asks for it"
    for who in ("ben", "chi"):
        await vote_of(stage, again, run, who)
    assert (await stage.ended(run)).state == "succeeded"
    assert tags(stage) == ["one", "two", "three"]
    await whole(stage)
