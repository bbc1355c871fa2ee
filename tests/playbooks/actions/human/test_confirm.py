"""`human.confirm`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.action import Answer, Park
from playbooks.actions.human.confirm import Confirm
from playbooks.errors import Refused

STEP = Confirm(question="Is the standby healthy?", due="10m")


async def test_it_parks_with_the_whole_question(act: Any, world: Any) -> None:
    plan = await STEP.plan(world())
    assert plan.effect == "Ask commander: “Is the standby healthy?” (yes / no; due in 10 min)"
    park = await STEP.run(act())
    assert park.question is not None and (park.question.due_in_s, park.question.choices) == (600, ("yes", "no"))


async def test_answers(act: Any) -> None:
    done = await STEP.resume(act(), Answer("P1", "yes", "lag 0"))
    assert done.model_dump() == {"choice": "yes", "by": "P1", "text": "lag 0", "people": ("P1",), "in_place_of": ""}
    assert STEP.say(done) == "“Is the standby healthy?”: yes (lag 0)"
    with pytest.raises(Refused, match="answered “no”: lag 90 s"):
        await STEP.resume(act(), Answer("P1", "no", "lag 90 s"))


async def test_silence_strange_choices_and_missing_evidence_never_pass(act: Any) -> None:
    strict = Confirm(question="q", evidence_required=True)
    for answer in (None, Answer("P1", "maybe", "x"), Answer("P1", "yes", " ")):
        assert isinstance(await strict.resume(act(), answer), Park)


async def test_ok_decides_which_choices_go_on(act: Any) -> None:
    step = Confirm(question="q", choices=["now", "later", "no"], ok=["now", "no"])
    assert (await step.resume(act(), Answer("P1", "no"))).choice == "no"
    with pytest.raises(Refused):
        await step.resume(act(), Answer("P1", "later"))
    with pytest.raises(ValidationError, match="not offered"):
        Confirm(question="q", ok=["sure"])
