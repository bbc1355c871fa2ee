"""A command's fields -> a modal, and a single field a button asks for -> a small modal (contract A3, A8).

Belongs here: views. Does not belong here: opening them (bot/questions.py), or what the fields mean (the command).
Each input's action id is the field's name and its block id is unique, so that errors find their place.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from bot.render.blocks import Block, cut, section
from bot.render.forms import Origin, write_origin
from commands.command import Command

TITLE_MOST = 24
OPTIONS_MOST = 100
LABEL_MOST = 150
# What a field offers, when it is not in its type: field name -> (value, label).
Choices = Mapping[str, Sequence[tuple[str, str]]]


def view(command: type[Command], origin: Origin, values: Mapping[str, str], choices: Choices) -> Block:
    """The modal of a whole command. values: what the line already said, filled in."""
    fields = {name: field for name, field in command.model_fields.items() if not _extra(field).get("hidden")}
    inputs = [_input(name, field, values.get(name, ""), choices.get(name, ())) for name, field in fields.items()]
    return _modal(command.words.capitalize(), origin, [section(command.summary()), *inputs])


def one_field(label: str, name: str, field: FieldInfo | None, origin: Origin, choices: Choices) -> Block:
    """The modal a button opens: one field of its command, required, under the button's own words."""
    words = section(cut(f"`{origin.line}`", 300))
    found = field if field is not None else FieldInfo(annotation=str)
    return _modal(label or origin.line, origin, [words, _input(name, found, "", choices.get(name, ()), required=True)])


def _modal(title: str, origin: Origin, blocks: list[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": "muster",
        "private_metadata": write_origin(origin),
        "title": _plain(cut(title, TITLE_MOST)),
        "submit": _plain("Send"),
        "close": _plain("Cancel"),
        "blocks": blocks[:OPTIONS_MOST],
    }


def _input(
    name: str, field: FieldInfo, value: str, offered: Sequence[tuple[str, str]], *, required: bool = False
) -> Block:
    block: Block = {
        "type": "input", "block_id": f"field.{name}", "label": _plain(_label(name, field)),
        "optional": not (required or field.is_required()), "element": _element(name, field, value, offered),
    }  # fmt: skip
    if field.description:
        block["hint"] = _plain(cut(field.description, LABEL_MOST * 4))
    return block


def _element(name: str, field: FieldInfo, value: str, offered: Sequence[tuple[str, str]]) -> Block:
    options = [*offered] or [(one, one) for one in _literal(field.annotation)]
    if options:
        shown = [_option(one, label) for one, label in options[:OPTIONS_MOST]]
        element: Block = {"type": "static_select", "action_id": name, "options": shown}
        initial = next((option for option in shown if option["value"] == value), None)
        return element | ({"initial_option": initial} if initial else {})
    if _extra(field).get("kind") == "person":
        return {"type": "users_select", "action_id": name}
    element = {"type": "plain_text_input", "action_id": name, "multiline": bool(_long(name, field)), "max_length": 3000}
    return element | ({"initial_value": value[:3000]} if value else {})


def _option(value: str, label: str) -> Block:
    return {"text": _plain(cut(label, 75)), "value": value[:75]}


def _label(name: str, field: FieldInfo) -> str:
    return cut(field.title or name.replace("_", " ").capitalize(), LABEL_MOST)


def _long(name: str, field: FieldInfo) -> bool:
    return bool(_extra(field).get("rest")) or name in ("text", "reason", "resolution", "evidence")


def _extra(field: FieldInfo) -> Mapping[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _literal(annotation: Any) -> tuple[str, ...]:
    """The choices of a `Literal[...]`, also inside `| None`."""
    if get_origin(annotation) is Literal:
        return tuple(str(one) for one in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return next((found for one in get_args(annotation) if (found := _literal(one))), ())
    return ()


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text or " ", "emoji": True}
