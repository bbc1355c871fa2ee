"""A command's fields -> a modal, and a single field a button asks for -> a small modal (contract A3, A8).

Belongs here: views. Does not belong here: opening them (bot/questions.py), or what the fields mean (commands/kinds.py).
Each input's action id is the field's name and its block id is unique, so that errors find their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

from bot.render.blocks import Block, cut, escape, section
from bot.render.forms import Origin, write_origin
from commands.command import Command
from commands.fields import Field, fields_of
from commands.kinds import NONE, Arg
from playbooks.policy import Policy

TITLE_MOST = 24
OPTIONS_MOST = 100
LABEL_MOST = 150
HINT_MOST = 2000
# The line a modal completes says these, or nobody can type them.
HIDDEN = ("inputs", "incident", "run", "digest", "alerts", "message")


def view(
    command: type[Command],
    origin: Origin,
    policy: Policy,
    *,
    given: Mapping[str, str] | None = None,
    notes: Sequence[Block] = (),
) -> Block:
    """The modal of a whole command. given: what its fields begin with; notes: what is said above them."""
    fields = [field for field in fields_of(command) if field.arg.kind not in HIDDEN]
    begun = [replace(field, default=(given or {}).get(field.name) or field.default) for field in fields]
    inputs = [field_input(command, field, policy, required=field.required) for field in begun]
    return modal(title_of(command), origin, [section(escape(command.summary())), *notes, *inputs])


def one_field(command: type[Command] | None, name: str, origin: Origin, policy: Policy) -> Block:
    """The modal a button opens: one field of its command, required."""
    known = {field.name: field for field in fields_of(command)} if command else {}
    field = known.get(name) or Field(name, Arg("rest"), True, None)
    words = section(f"`{cut(escape(origin.line), 300)}`")
    return modal(title_of(command), origin, [words, field_input(command, field, policy, required=True)])


def title_of(command: type[Command] | None) -> str:
    """What stands above the modal of a command."""
    return command.words.capitalize() if command else "One more thing"


def modal(title: str, origin: Origin, blocks: list[Block], *, sends: bool = True) -> Block:
    """A modal of these blocks. sends False: it only shows something."""
    return {
        "type": "modal",
        "callback_id": "muster",
        "private_metadata": write_origin(origin),
        "title": _plain(cut(title, TITLE_MOST)),
        **({"submit": _plain("Send")} if sends else {}),
        "close": _plain("Cancel" if sends else "Close"),
        "blocks": blocks[:OPTIONS_MOST],
    }


def field_input(command: type[Command] | None, field: Field, policy: Policy, *, required: bool) -> Block:
    """The input of one field."""
    block: Block = {
        "type": "input",
        "block_id": f"field.{field.name}",
        "label": _plain(cut(field.name.rstrip("_").replace("_", " ").capitalize(), LABEL_MOST)),
        "optional": not required,
        "element": _element(field, _offered(command, field, policy)),
    }
    if field.arg.say:
        block["hint"] = _plain(cut(field.arg.say, HINT_MOST))
    return block


def _offered(command: type[Command] | None, field: Field, policy: Policy) -> Sequence[tuple[str, str]]:
    """What there is to choose from: (value, label). Empty: it is typed."""
    if field.arg.kind == "severity":
        return [(name, f"{name}: {one.title}") for name, one in policy.severities.items()]
    if field.arg.kind == "service":
        return [(name, one.title or name) for name, one in policy.services.items()]
    if field.arg.kind == "role":
        return [(name, one.title) for name, one in policy.roles.items()]
    if field.arg.kind == "level":
        return [*((name, one.option()) for name, one in policy.disaster_levels.items()), (NONE, "none: no disaster")]
    if field.arg.kind == "whom":
        people = [(one.slack, name) for name, one in policy.people.items() if one.slack]
        groups = [(f"@{name}", f"@{name}: {one.title}") for name, one in policy.groups.items()]
        return [
            *groups,
            *people,
            *((name, f"on call for {one.title or name}") for name, one in policy.services.items()),
        ]
    annotation: Any = (
        command.model_fields[field.name].annotation if command and field.name in command.model_fields else None
    )
    literal = [str(one) for one in get_args(annotation)] if get_origin(annotation) is Literal else []
    return [(one, one) for one in field.arg.choices or literal]


def choice(name: str, offered: Sequence[tuple[str, str]], begins: object = None) -> Block:
    """The list of a field to choose from: (value, label) each. begins: the value it begins with."""
    options = [{"text": _plain(cut(label, 75)), "value": value[:75]} for value, label in offered[:OPTIONS_MOST]]
    element: Block = {"type": "static_select", "action_id": name, "options": options}
    initial = next((option for option in options if option["value"] == begins), None)
    return element | ({"initial_option": initial} if initial else {})


def _element(field: Field, offered: Sequence[tuple[str, str]]) -> Block:
    if offered:
        return choice(field.name, offered, field.default)
    if field.arg.kind in ("person", "holder"):
        return {"type": "users_select", "action_id": field.name}
    if field.arg.kind == "code":
        return {"type": "plain_text_input", "action_id": field.name, "min_length": 6, "max_length": 9}
    long = field.arg.kind == "rest"
    most = 3000 if long else 500
    typed: Block = {"type": "plain_text_input", "action_id": field.name, "multiline": long, "max_length": most}
    begins = field.default if field.arg.kind in ("line", "rest") and isinstance(field.default, str) else ""
    return typed | ({"initial_value": begins[:most]} if begins else {})


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text or " ", "emoji": True}
