"""The forms in which people answer a step: typed fields, one of many choices, an item of a list.

Belongs here: how they look, within Slack's limits (contract A8). Does not belong here: which question is meant and what
is wrong in an answer (bot/answering.py), what is written down (playbooks/engine/answering.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.render.blocks import Block, context, cut, escape, section
from bot.render.forms import Origin
from bot.render.modal import modal
from commands.playbook.answer import FIELD as NAMED
from commands.playbook.answer import ITEM, STATE
from playbooks.form_fields import LONGEST, FormField

TITLE = "Answer a step"
CHOICE, TEXT = "choice", "text"


def form(question: Mapping[str, Any], origin: Origin) -> Block:
    """The modal of any question that is open."""
    head = [section(escape(cut(str(question.get("text") or ""), 2800)))]
    if question.get("shown"):
        head.append(section(escape(cut(str(question["shown"]), 2800))))
    if question.get("fields"):
        inputs = [_field(FormField.model_validate(one)) for one in question["fields"]]
        inputs.append(_words("How do you know?", required=bool(question.get("evidence_required"))))
    elif question.get("items"):
        inputs = _of_items(question["items"])
    else:
        inputs = _of_choices(question)
    return modal(TITLE, origin, [*head, *inputs])


def words(text: str, origin: Origin) -> Block:
    """Why there is nothing to answer."""
    return modal(TITLE, origin, [section(escape(text))], sends=False)


def _field(field: FormField) -> Block:
    if field.type == "choice":
        element = _select(f"{NAMED}{field.name}", ((choice, choice) for choice in field.choices))
    else:
        long = field.type == "text"
        most = LONGEST.get(field.type, 60)
        element = {
            "type": "plain_text_input",
            "action_id": f"{NAMED}{field.name}",
            "multiline": long,
            "max_length": most,
        }
    return _input(field.title, element, required=field.required, hint=field.hint())


def _of_choices(question: Mapping[str, Any]) -> list[Block]:
    choices = [str(choice) for choice in question.get("choices") or ()]
    numbered = bool(question.get("numbered"))
    options = ((str(number) if numbered else choice, choice) for number, choice in enumerate(choices, 1))
    why = _words("Why, or what you saw", required=bool(question.get("evidence_required")))
    return [_input("Answer", _select(CHOICE, options), required=True), why]


def _of_items(items: Iterable[Mapping[str, Any]]) -> list[Block]:
    left = [
        (str(number), f"{number}. {item['text']}") for number, item in enumerate(items, 1) if item["state"] == "open"
    ]
    states = (("skip", "Left out, because …"), ("done", "Done"))
    return [
        _input("Item", _select(ITEM, left), required=True),
        _input("What becomes of it", _select(STATE, states), required=True),
        _words("Reason, or what you saw", required=False),
        context("Leaving an item out needs a reason."),
    ]


def _words(label: str, *, required: bool) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": TEXT, "multiline": True, "max_length": 3000}
    return _input(label, element, required=required)


def _select(name: str, options: Iterable[tuple[str, str]]) -> Block:
    offered = [{"text": _plain(cut(label, 75)), "value": value[:75]} for value, label in options]
    return {"type": "static_select", "action_id": name, "options": offered[:100]}


def _input(label: str, element: Block, *, required: bool, hint: str = "") -> Block:
    block: Block = {
        "type": "input", "block_id": f"answer.{element['action_id']}", "label": _plain(cut(label, 150)),
        "optional": not required, "element": element,
    }  # fmt: skip
    return block | ({"hint": _plain(cut(hint, 2000))} if hint else {})


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text or " ", "emoji": True}
