"""`human.fill_in`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.action import Answer, Park
from playbooks.actions.human.fill_in import FillIn

STEP = FillIn.model_validate({
    "question": "Restore to when?", "who": "tech_lead", "evidence_required": True, "due": "10m",
    "fields": [{"name": "restore_to", "type": "time", "max": "now"}, {"name": "nodes", "type": "integer", "required": False}],
})  # fmt: skip


async def test_it_parks_with_its_fields(act: Any, world: Any) -> None:
    effect = (await STEP.plan(world())).effect
    assert (
        "Ask tech_lead to fill in: “Restore to when?” (restore_to (a time, UTC" in effect and "with evidence" in effect
    )
    question = (await STEP.run(act())).question
    assert question is not None and [one["name"] for one in question.fields] == ["restore_to", "nodes"]


async def test_values_become_outputs(act: Any) -> None:
    values = {"restore_to": "2026-11-22T14:05:00+00:00", "nodes": None}
    done: Any = await STEP.resume(act(), Answer("P1", "filled-in", "checksum fits", values=values))
    assert (done.values, done.by) == (values, "P1")
    assert STEP.say(done) == "“Restore to when?”: restore_to 2026-11-22T14:05:00+00:00, nodes — (checksum fits)"


async def test_less_than_it_asks_for_never_passes(act: Any) -> None:
    for answer in (None, Answer("P1", "filled-in", "x"), Answer("P1", "x", "", values={"restore_to": "x", "nodes": 1})):
        assert isinstance(await STEP.resume(act(), answer), Park)


@pytest.mark.parametrize(
    "fields", [[], [{"name": "a"}, {"name": "a"}], [{"name": "a", "type": "choice"}], [{"name": "run"}]]
)
def test_forms_that_cannot_work_are_refused(fields: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        FillIn.model_validate({"question": "q", "fields": fields})
