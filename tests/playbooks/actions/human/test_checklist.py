"""`human.checklist`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.action import Answer, Park
from playbooks.actions.human.checklist import Checklist

STEP = Checklist.model_validate({
    "title": "After 4 h", "items": ["Read the logs", {"text": "Tell legal", "owner": "legal", "due": "4h"}],
})  # fmt: skip


async def test_it_parks_with_owners_and_times(act: Any, world: Any) -> None:
    plan = await STEP.plan(world())
    assert plan.effect == "Have 2 items ticked off: “After 4 h” (by commander, legal; all due in 1 day 4 h)"
    question = (await STEP.run(act())).question
    assert question is not None and question.due_in_s == 28 * 3600
    assert [(one["owner"], one["due_s"]) for one in question.items] == [("commander", None), ("legal", 14_400.0)]


async def test_it_ends_when_nothing_is_open(act: Any) -> None:
    items: Any = (
        {
            "text": "Read the logs",
            "owner": "commander",
            "state": "done",
            "by": "P1",
            "at": "t",
            "reason": "",
            "due_at": None,
        },
        {"text": "Tell legal", "owner": "legal", "state": "skipped", "by": "P2", "at": "t", "reason": "no data in it"},
    )
    for answer in (None, Answer("P1", "all"), Answer("P1", "all", items=({**items[0], "state": "open"}, items[1]))):
        assert isinstance(await STEP.resume(act(), answer), Park)
    done: Any = await STEP.resume(act(), Answer("P2", "all", items=items))
    assert (done.done, done.skipped, done.items[1]["reason"]) == (1, 1, "no data in it")
    assert STEP.say(done) == "“After 4 h”: 1 of 2 done; left out: Tell legal: no data in it"


@pytest.mark.parametrize("items", [[], [{"owner": "sre"}], [{"text": "x", "due": "soon"}], "Read the logs"])
def test_a_list_needs_items(items: Any) -> None:
    with pytest.raises(ValidationError):
        Checklist.model_validate({"title": "t", "items": items})
