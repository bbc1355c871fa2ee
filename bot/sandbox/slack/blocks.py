"""Block Kit's limits, as Slack enforces them.

Belongs here: contract A8. Does not belong here: modal rules beyond blocks (``views.py``), text rules of messages.
Each problem is a sentence with a JSON pointer, like Slack's response_metadata.messages.
"""

from __future__ import annotations

from typing import Any

ID_MAX = 255
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
SELECTS = ("static_select", "external_select", "users_select", "conversations_select", "channels_select")
INPUTS = (
    *SELECTS, *(f"multi_{s}" for s in SELECTS), "plain_text_input", "checkboxes", "radio_buttons", "datepicker",
    "timepicker", "datetimepicker", "number_input", "email_text_input", "url_text_input", "file_input",
    "rich_text_input",
)  # fmt: skip
OTHER_ELEMENTS = ("button", "overflow", "image", "workflow_button")
BLOCKS = (
    "section", "header", "divider", "context", "actions", "input", "image", "markdown", "rich_text", "table", "video",
    "file", "context_actions", "task_card", "plan", "alert", "card", "carousel", "container",
)  # fmt: skip


class Problems:
    """Collects what is wrong, each with where."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, where: str, what: str) -> None:
        self.found.append(f"{what} [json-pointer:{where}]")

    def longest(self, where: str, value: Any, most: int, what: str) -> None:
        if isinstance(value, str) and len(value) > most:
            self.add(where, f"{what} must be less than {most + 1} characters")

    def count(self, where: str, value: Any, most: int, least: int = 0) -> list[Any]:
        if not isinstance(value, list):
            self.add(where, "must be an array")
            return []
        if len(value) > most:
            self.add(where, f"no more than {most} items allowed")
        if len(value) < least:
            self.add(where, f"must contain at least {least} items" if least > 1 else "must provide at least one item")
        return value

    def text(self, where: str, value: Any, most: int, plain: bool = False) -> None:
        """A text object of 1 to ``most`` characters (contract A8: 1..3000 for any text object)."""
        if not isinstance(value, dict) or value.get("type") not in ("plain_text", "mrkdwn"):
            self.add(where, "must be a valid text object")
            return
        if plain and value["type"] != "plain_text":
            self.add(f"{where}/type", "must be plain_text")
        if not isinstance(value.get("text"), str) or not value["text"]:
            self.add(f"{where}/text", "must be more than 0 characters")
        self.longest(f"{where}/text", value.get("text"), most, "text")


def problems(blocks: Any, most: int = MESSAGE_BLOCKS, view: bool = False) -> list[str]:
    """What Slack would refuse in a list of blocks; empty when they are fine."""
    found = Problems()
    where = "/view/blocks" if view else "/blocks"
    seen: set[str] = set()
    markdown = tables = 0
    for n, block in enumerate(found.count(where, blocks, most)):
        here = f"{where}/{n}"
        if not isinstance(block, dict) or block.get("type") not in BLOCKS:
            kind = block.get("type") if isinstance(block, dict) else block
            found.add(here, f"unsupported type: {kind}")
            continue
        block_id = block.get("block_id")
        found.longest(f"{here}/block_id", block_id, ID_MAX, "block_id")
        if block_id is not None and block_id in seen:
            found.add(f"{here}/block_id", f'block_id "{block_id}" already exists')
        if block_id is not None:
            seen.add(block_id)
        tables += block["type"] == "table"
        if block["type"] == "markdown":
            markdown += len(str(block.get("text", "")))
        _block(found, here, block, view)
    if markdown > 12_000:
        found.add(where, "markdown text must be less than 12001 characters over the payload")
    if tables > 1:
        found.add(where, "only_one_table_allowed")
    return found.found


def _block(found: Problems, here: str, block: dict[str, Any], view: bool) -> None:
    kind = block["type"]
    if kind == "header":
        found.text(f"{here}/text", block.get("text"), 150, plain=True)
    elif kind == "section":
        _section(found, here, block)
    elif kind == "context":
        for n, element in enumerate(found.count(f"{here}/elements", block.get("elements"), 10, 1)):
            if isinstance(element, dict) and element.get("type") == "image":
                _image(found, f"{here}/elements/{n}", element)
            else:
                found.text(f"{here}/elements/{n}", element, 3000)
    elif kind == "actions":
        actions: set[str] = set()
        for n, element in enumerate(found.count(f"{here}/elements", block.get("elements"), 25, 1)):
            _element(found, f"{here}/elements/{n}", element, actions, view)
    elif kind == "input":
        found.text(f"{here}/label", block.get("label"), 2000, plain=True)
        if block.get("hint") is not None:
            found.text(f"{here}/hint", block["hint"], 2000, plain=True)
        element = block.get("element")
        if not isinstance(element, dict) or element.get("type") not in INPUTS:
            found.add(f"{here}/element", "unsupported element in an input block")
        else:
            _element(found, f"{here}/element", element, set(), view)
    elif kind == "image":
        _image(found, here, block)
        if block.get("title") is not None:
            found.text(f"{here}/title", block["title"], 2000, plain=True)
    elif kind == "markdown":
        if not block.get("text"):
            found.add(f"{here}/text", "must be more than 0 characters")
    elif kind == "table":
        for n, row in enumerate(found.count(f"{here}/rows", block.get("rows"), 100, 1)):
            found.count(f"{here}/rows/{n}", row, 20, 1)


def _section(found: Problems, here: str, block: dict[str, Any]) -> None:
    if block.get("text") is None and not block.get("fields"):
        found.add(here, "missing required field: text or fields")
    if block.get("text") is not None:
        found.text(f"{here}/text", block["text"], 3000)
    if block.get("fields") is not None:
        for n, field in enumerate(found.count(f"{here}/fields", block["fields"], 10, 1)):
            found.text(f"{here}/fields/{n}", field, 2000)
    if block.get("accessory") is not None:
        _element(found, f"{here}/accessory", block["accessory"], set(), False)


def _image(found: Problems, here: str, image: dict[str, Any]) -> None:
    if not image.get("image_url") and not image.get("slack_file"):
        found.add(here, "missing required field: image_url or slack_file")
    if not image.get("alt_text"):
        found.add(f"{here}/alt_text", "missing required field: alt_text")
    found.longest(f"{here}/image_url", image.get("image_url"), 3000, "image_url")
    found.longest(f"{here}/alt_text", image.get("alt_text"), 2000, "alt_text")


def _element(found: Problems, here: str, element: Any, actions: set[str], view: bool) -> None:
    if not isinstance(element, dict) or element.get("type") not in (*INPUTS, *OTHER_ELEMENTS):
        found.add(here, f"unsupported element type: {element.get('type') if isinstance(element, dict) else element}")
        return
    kind, action_id = element["type"], element.get("action_id")
    found.longest(f"{here}/action_id", action_id, ID_MAX, "action_id")
    if action_id is not None and action_id in actions:
        found.add(f"{here}/action_id", f'action_id "{action_id}" already exists')
    if action_id is not None:
        actions.add(action_id)
    if kind == "button":
        found.text(f"{here}/text", element.get("text"), 75, plain=True)
        found.longest(f"{here}/value", element.get("value"), 2000, "value")
        found.longest(f"{here}/url", element.get("url"), 3000, "url")
        found.longest(f"{here}/accessibility_label", element.get("accessibility_label"), 75, "accessibility_label")
        if element.get("style") not in (None, "primary", "danger"):
            found.add(f"{here}/style", "must be primary or danger")
    elif kind == "image":
        _image(found, here, element)
    elif kind in ("overflow", "checkboxes", "radio_buttons"):
        _options(found, here, element, 5 if kind == "overflow" else 10)
    elif kind in ("static_select", "multi_static_select"):
        if element.get("option_groups") is not None:
            for n, group in enumerate(found.count(f"{here}/option_groups", element["option_groups"], 100, 1)):
                found.text(f"{here}/option_groups/{n}/label", group.get("label"), 75, plain=True)
                _options(found, f"{here}/option_groups/{n}", group, 100)
        else:
            _options(found, here, element, 100)
    elif kind == "plain_text_input":
        for name in ("max_length", "min_length"):
            if element.get(name) is not None and not 0 <= int(element[name]) <= 3000:
                found.add(f"{here}/{name}", f"{name} must be between 0 and 3000")
    if element.get("placeholder") is not None:
        found.text(f"{here}/placeholder", element["placeholder"], 150, plain=True)
    if element.get("confirm") is not None:
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            if name in element["confirm"]:
                found.text(f"{here}/confirm/{name}", element["confirm"][name], most, plain=name != "text")


def _options(found: Problems, here: str, holder: dict[str, Any], most: int) -> None:
    for n, option in enumerate(found.count(f"{here}/options", holder.get("options"), most, 1)):
        if not isinstance(option, dict):
            found.add(f"{here}/options/{n}", "must be an object")
            continue
        found.text(f"{here}/options/{n}/text", option.get("text"), 75)
        # Contract A8: slack_sdk says 150, the node types say 75. The stand-in takes the stricter one.
        found.longest(f"{here}/options/{n}/value", option.get("value"), 75, "value")
        if option.get("description") is not None:
            found.text(f"{here}/options/{n}/description", option["description"], 75)
