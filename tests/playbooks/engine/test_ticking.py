"""Items of a list on rows: ticked by their owners, left out with a reason, opened again; the last one ends it."""

from __future__ import annotations

from typing import Any

from playbooks.engine.answering import answer
from tests.playbooks.engine.test_answering import Incident

ITEMS = (
    {"text": "Rotate the keys", "owner": "sre", "due_s": 60.0},
    {"text": "Tell legal", "owner": "commander", "due_s": None},
)


async def test_each_is_ticked_by_its_owner_and_the_last_one_ends_it(stage: Any) -> None:
    asked = await Incident.asks(stage, text="After 4 h", choices=(), items=ITEMS)
    await asked.gives("commander", "eve")
    assert "is no item here" in await asked.refused(answer, step=None, text="7")
    assert "asked of @sre" in await asked.says("eve", "1", ok=False)
    assert "asked of the incident commander (Eve)" in await asked.says("dov", "2", ok=False)
    assert "1 left" in await asked.says("dov", "1 the old ones are revoked")
    assert "is done already" in await asked.says("ben", "1 done", ok=False)
    assert "2 left" in await asked.says("ben", "1 open")
    await asked.says("chi", "1")
    assert "needs a reason" in await asked.refused(answer, step=None, text="2 skip")
    assert "That was the last one" in await asked.says("eve", "2 skip no personal data in it")
    answered = (await asked.step()).answer
    assert answered is not None
    said = [(item["text"], item["state"], item["by"], item["reason"]) for item in answered["items"]]
    assert said == [
        ("Rotate the keys", "done", stage.persons["chi"], ""),
        ("Tell legal", "skipped", stage.persons["eve"], "no personal data in it"),
    ]
    assert all(item["at"] for item in answered["items"])
    told = await asked.told("step.ticked")
    assert [(e.body["item"], e.body["state"], e.body["left"]) for e in told] == [
        (1, "done", 1), (1, "open", 2), (1, "done", 1), (2, "skipped", 0),
    ]  # fmt: skip
    assert told[-1].text("reason") == "no personal data in it" and told[0].text("item") == "Rotate the keys"


async def test_an_overdue_item_may_be_ticked_in_place_of_its_owner(stage: Any) -> None:
    asked = await Incident.asks(stage, text="After 4 h", choices=(), items=ITEMS)
    await asked.gives("commander", "eve")
    question = (await asked.step()).question
    assert question is not None
    late = [{**item, "reminded": True} for item in question["items"]]
    await asked.put(None, {1: {"question": {**question, "items": late}}})
    assert "in place of the incident commander" in await asked.says("ben", "2")
    (told,) = await asked.told("step.ticked")
    assert told.body["in_place_of"] == "the incident commander"
