"""`human.choose`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.action import Answer, Park
from playbooks.actions.human.choose import NONE, Choose
from playbooks.errors import Refused

STEP = Choose(question="Which backup is clean?", options=["nightly-21", "nightly-20"], who="sre", due="10m")


async def test_it_asks_with_every_option_and_none_of_them(act: Any, world: Any) -> None:
    effect = (await STEP.plan(world())).effect
    assert effect == "Have sre choose: “Which backup is clean?” (nightly-21, nightly-20; due in 10 min)"
    question = (await STEP.run(act())).question
    assert question is not None and question.numbered
    assert question.choices == ("nightly-21", "nightly-20", NONE) and question.stops == (NONE,)


async def test_the_choice_becomes_an_output(act: Any) -> None:
    done: Any = await STEP.resume(act(), Answer("P1", "nightly-20", "checksum fits", in_place_of="@dba"))
    assert (done.choice, done.number, done.by, done.people) == ("nightly-20", 2, "P1", ("P1",))
    assert STEP.say(done) == "“Which backup is clean?”: nightly-20, in place of @dba (checksum fits)"
    with pytest.raises(Refused, match="none of these”: all are encrypted"):
        await STEP.resume(act(), Answer("P1", NONE, "all are encrypted"))


async def test_silence_strangers_and_too_few_people_never_pass(act: Any) -> None:
    strict = STEP.model_copy(update={"evidence_required": True, "people": 2})
    for answer in (None, Answer("P1", "nightly-1", "x"), Answer("P1", "nightly-20"), Answer("P1", "nightly-20", "x")):
        assert isinstance(await strict.resume(act(), answer), Park)


@pytest.mark.parametrize("options", [[], ["a", "A"], [" "], ["a", NONE]])
def test_options_that_cannot_be_told_apart_are_refused(options: list[str]) -> None:
    with pytest.raises(ValidationError):
        Choose(question="q", options=options)
