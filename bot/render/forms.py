"""The small codes that travel through Slack and come back: action ids of buttons, block ids and origins of modals.

Belongs here: writing and reading them, together, so that they fit. Does not belong here: how anything looks.
Nothing here is a secret or a permission: who may do what is decided on rows when the line is dispatched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SAY, ASK = "say", "ask"


@dataclass(frozen=True)
class Origin:
    """Where a modal was opened and which line it completes. Lives in private_metadata (at most 3000, contract A8)."""

    line: str
    channel: str | None = None
    message_ts: str | None = None
    response_url: str | None = None


def action_id(number: int, asks: str) -> str:
    """A button's action id, unique within its message: `say.0`, or `ask.reason.1` when a field is wanted first."""
    return f"{ASK}.{asks}.{number}" if asks else f"{SAY}.{number}"


def asked_field(action: str) -> str:
    """The field a button wants filled first, or ""."""
    parts = action.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == ASK else ""


def write_origin(origin: Origin) -> str:
    """private_metadata of a modal."""
    return json.dumps({name: value for name, value in asdict(origin).items() if value}, ensure_ascii=False)


def read_origin(text: str) -> Origin | None:
    """The origin back, or None when this is no modal of ours."""
    try:
        given = json.loads(text)
    except ValueError:
        return None
    if not isinstance(given, dict) or not given.get("line"):
        return None
    names = ("line", "channel", "message_ts", "response_url")
    return Origin(**{name: str(given[name]) for name in names if given.get(name)})


def read_values(state: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Fields of a submitted modal: name -> text, and name -> block id. The action id is the field's name.

    A field nobody touched arrives as null (contract A3) and is left out.
    """
    values: dict[str, str] = {}
    blocks: dict[str, str] = {}
    for block_id, elements in (state.get("values") or {}).items():
        for name, element in elements.items():
            blocks[name] = block_id
            value = _value(element)
            if value:
                values[name] = value
    return values, blocks


def _value(element: Mapping[str, Any]) -> str:
    if element.get("selected_option"):
        return str(element["selected_option"].get("value") or "")
    if element.get("selected_options"):
        return " ".join(str(option.get("value") or "") for option in element["selected_options"])
    if element.get("selected_user"):
        return f"<@{element['selected_user']}>"
    if element.get("selected_users"):
        return " ".join(f"<@{user}>" for user in element["selected_users"])
    found = element.get("value") or element.get("selected_date_time") or element.get("selected_date")
    return str(found).strip() if found is not None else ""
