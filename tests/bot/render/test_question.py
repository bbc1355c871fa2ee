"""The card of a question in its kinds: whom it asks, what was said so far, buttons that say what they do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.render import answering, question
from bot.render.forms import Origin
from bot.render.question import QuestionFacts
from playbooks.action import Question
from playbooks.engine.asked import Audience
from playbooks.engine.outcomes import opened
from tests.bot.render.test_cards_of_runs import AROUND, AT, RUN, STEP, plain, pressable

COMMANDER = Audience("commander", "the incident commander", ("p2",), "commander")
OWNERS = Audience("sre", "@sre", tuple(f"p{n}" for n in range(5)))


def asked(**more: Any) -> dict[str, Any]:
    return opened(Question(**{"text": "All well?", **more}), AT)


def card(found: dict[str, Any], *names: Audience, **step: Any) -> Any:
    row = replace(STEP, **{"state": "parked", "question": found, "deadline": AT + timedelta(minutes=15), **step})
    return question.draw(QuestionFacts(RUN, row, names, {"p2": "U0BEN"}), AROUND)


def test_it_names_whom_it_asks_and_tells_a_few_by_name() -> None:
    found = card(asked(people=2), COMMANDER, OWNERS)
    assert "Asked: *the incident commander* (<@U0BEN>); nobody answered, so now also *@sre* (" in plain(found)
    assert "*2 people* must say the same" in plain(found) and "<@U0BEN>, " not in plain(found), "a group is not called"
    assert pressable(found)["Yes"] == "playbook answer INC-42/2 step=2 choice=yes"
    assert "(nobody now)" in plain(card(asked(), Audience("tech_lead", "the tech lead", (), "tech_lead")))


def test_what_one_of_two_said_is_shown() -> None:
    given = [{"person": "p2", "choice": "yes", "text": "", "at": "", "in_place_of": ""}]
    assert "• Ben says *yes*" in plain(card({**asked(people=2), "given": given}, COMMANDER))


def test_options_are_pressed_by_number_and_many_open_a_form() -> None:
    few = card(asked(choices=("a b", "c"), numbered=True), COMMANDER)
    assert pressable(few) == {
        "A b": "playbook answer INC-42/2 step=2 choice=1",
        "C": "playbook answer INC-42/2 step=2 choice=2",
    }
    many = asked(choices=tuple(f"o{n}" for n in range(12)), numbered=True)
    assert pressable(card(many, COMMANDER)) == {"Choose": "playbook answer INC-42/2 step=2"}
    (answer, why) = [one for one in answering.form(many, Origin("x"))["blocks"] if one["type"] == "input"]
    assert [one["value"] for one in answer["element"]["options"]][:2] == ["1", "2"] and why["optional"]


def test_a_list_shows_each_item_with_its_button() -> None:
    items = [{"text": f"i{n} <!channel>", "owner": "sre", "due_s": 60.0} for n in range(20)]
    found = asked(choices=(), items=tuple(items))
    found["items"][0] |= {"state": "done", "by": "p2", "at": found["due_at"]}
    found["items"][1] |= {"state": "skipped", "by": "p2", "at": found["due_at"], "reason": "not here"}
    found["items"][2] |= {"reminded": True}
    drawn = card(found, COMMANDER)
    assert (
        "☑ 1. i0 &lt;!channel&gt; — *Ben*" in plain(drawn) and "⊘ 2." in plain(drawn) and ": not here" in plain(drawn)
    )
    assert "☐ 3." in plain(drawn) and "⚠️ _overdue_" in plain(drawn)
    ids = [one["accessory"]["action_id"] for one in drawn.blocks if "accessory" in one]
    below = [one["action_id"] for block in drawn.blocks if block["type"] == "actions" for one in block["elements"]]
    assert len(ids) == 18 == len({*ids} - {*below}) and len(drawn.blocks) <= 50
    over = card(found, COMMANDER, state="succeeded", answer={"person": "p2", "choice": "all", "items": found["items"]})
    assert not pressable(over) and not [one for one in over.blocks if "accessory" in one]


def test_a_form_is_filled_in_and_then_shown() -> None:
    fields = (
        {"name": "nodes", "type": "integer", "max": 9},
        {"name": "level", "type": "choice", "choices": ["a", "b"]},
    )
    found = asked(choices=(), fields=fields, evidence_required=True)
    assert pressable(card(found, COMMANDER)) == {"Fill in": "playbook answer INC-42/2 step=2"}
    inputs = [one for one in answering.form(found, Origin("x"))["blocks"] if one["type"] == "input"]
    assert [one["element"]["action_id"] for one in inputs] == ["field.nodes", "field.level", "text"]
    assert not inputs[2]["optional"], "evidence is asked for"
    said = {
        "person": "p2",
        "choice": "filled-in",
        "text": "seen",
        "values": {"nodes": 3, "level": None},
        "in_place_of": "@dba",
    }
    shown = plain(card(found, COMMANDER, answer=said))
    assert "Filled in by *Ben*, in place of @dba: seen" in shown and "• nodes: *3*" in shown and "• level: *—*" in shown
