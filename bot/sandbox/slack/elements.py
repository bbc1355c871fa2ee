"""Elements on the screen: finding the one a person means, and what using it sends (contract A3)."""

from __future__ import annotations

import time
from typing import Any

Element = dict[str, Any]
USABLE = ("button", "overflow", "static_select", "external_select", "users_select", "conversations_select",
          "channels_select", "multi_static_select", "multi_users_select", "multi_external_select",
          "multi_conversations_select", "multi_channels_select", "checkboxes", "radio_buttons", "datepicker",
          "timepicker", "datetimepicker", "plain_text_input", "number_input", "email_text_input", "url_text_input",
          "rich_text_input", "file_input")  # fmt: skip


class CannotDo(Exception):
    """What a person tried is not possible on this screen; the text says why."""


def every(blocks: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Element]]:
    """All usable elements with their blocks, in reading order."""
    found = []
    for block in blocks:
        for part in [block.get("accessory"), block.get("element"), *(block.get("elements") or [])]:
            if isinstance(part, dict) and part.get("type") in USABLE:
                found.append((block, part))
    return found


def label(element: Element) -> str:
    text = element.get("text") or element.get("placeholder") or {}
    return str(text.get("text", "")) if isinstance(text, dict) else str(text)


def find(blocks: list[dict[str, Any]], wanted: str, value: str | None = None) -> tuple[dict[str, Any], Element]:
    """The element with this action_id, or this label, or a label that begins with it; ``value`` chooses among several.

    Raises CannotDo naming what is there.
    """
    rows = every(blocks)
    tests = (
        lambda e: e.get("action_id") == wanted,
        lambda e: label(e) == wanted,
        lambda e: bool(wanted) and label(e).lower().startswith(wanted.lower()),
    )
    for test in tests:
        fit = [(b, e) for b, e in rows if test(e)]
        exact = [(b, e) for b, e in fit if value is None or e["type"] != "button" or e.get("value") == value]
        if exact:
            return exact[0]
    there = ", ".join(f"{e.get('action_id')} [{label(e)}]" for _, e in rows) or "nothing to press"
    raise CannotDo(f"no {wanted!r} here; there is {there}")


def _options(element: Element) -> list[dict[str, Any]]:
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(o for g in groups for o in g.get("options", []))]


def option(element: Element, value: Any) -> dict[str, Any]:
    """The option with this value or text. For external selects any option may have been offered."""
    if isinstance(value, dict):
        return value
    for row in _options(element):
        if value in (row.get("value"), (row.get("text") or {}).get("text")):
            return row
    if element["type"].endswith("external_select"):
        return {"text": {"type": "plain_text", "text": str(value)}, "value": str(value)}
    raise CannotDo(f"no option {value!r}; there are {', '.join(str(o.get('value')) for o in _options(element))}")


def state(element: Element, value: Any) -> dict[str, Any]:
    """What ``state.values`` holds for an element with this value; None is an untouched field (contract A3)."""
    kind: str = element["type"]
    if kind in ("static_select", "external_select", "radio_buttons", "overflow"):
        return {"type": kind, "selected_option": None if value is None else option(element, value)}
    if kind in ("multi_static_select", "multi_external_select", "checkboxes"):
        chosen = value if isinstance(value, list) else [] if value is None else [value]
        return {"type": kind, "selected_options": [option(element, v) for v in chosen]}
    if kind.endswith("_select"):
        what = kind.removesuffix("_select").removeprefix("multi_")  # users | conversations | channels
        if kind.startswith("multi_"):
            chosen = value if isinstance(value, list) else [] if value is None else [value]
            return {"type": kind, f"selected_{what}": chosen}
        return {"type": kind, f"selected_{what.removesuffix('s')}": value}
    simple = {"datepicker": "selected_date", "timepicker": "selected_time", "datetimepicker": "selected_date_time"}
    if kind in simple:
        return {"type": kind, simple[kind]: value}
    return {"type": kind, "value": None if value in (None, "") else str(value)}


INITIAL = {
    "plain_text_input": "initial_value", "number_input": "initial_value", "email_text_input": "initial_value",
    "url_text_input": "initial_value", "static_select": "initial_option", "external_select": "initial_option",
    "radio_buttons": "initial_option", "checkboxes": "initial_options", "multi_static_select": "initial_options",
    "multi_external_select": "initial_options", "users_select": "initial_user", "multi_users_select": "initial_users",
    "conversations_select": "initial_conversation", "channels_select": "initial_channel",
    "multi_conversations_select": "initial_conversations", "multi_channels_select": "initial_channels",
    "datepicker": "initial_date", "timepicker": "initial_time", "datetimepicker": "initial_date_time",
}  # fmt: skip


def initial(element: Element) -> Any:
    """The value an element shows before anybody touched it."""
    return element.get(INITIAL.get(element["type"], ""), None)


def empty(shown: dict[str, Any]) -> bool:
    return all(v in (None, "", []) for k, v in shown.items() if k != "type")


def check_input(element: Element, shown: dict[str, Any]) -> None:
    """What Slack's own client refuses before it sends anything: lengths of typed text."""
    value = shown.get("value")
    if isinstance(value, str):
        if len(value) > int(element.get("max_length") or 3000):
            raise CannotDo(f"{element.get('action_id')} takes at most {element.get('max_length') or 3000} characters")
        if len(value) < int(element.get("min_length") or 0):
            raise CannotDo(f"{element.get('action_id')} takes at least {element['min_length']} characters")


def action(block: dict[str, Any], element: Element, value: Any) -> dict[str, Any]:
    """One entry of a block_actions payload (contract A3)."""
    done: dict[str, Any] = {
        "action_id": element.get("action_id"), "block_id": block.get("block_id"), "type": element["type"],
        "action_ts": f"{time.time():.6f}",
    }  # fmt: skip
    if element["type"] == "button":
        done |= {"text": element.get("text")}
        if "value" in element:
            done["value"] = element["value"]
        for name in ("style", "url"):
            if name in element:
                done[name] = element[name]
        return done
    return done | {k: v for k, v in state(element, value).items() if k != "type"}
