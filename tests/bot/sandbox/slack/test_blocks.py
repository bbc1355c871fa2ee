"""Slack's Block Kit, stood in for: what is refused before it is shown."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.blocks import problems


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Go"), "action_id": "go", **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def select(count: int, value: str = "v") -> dict[str, Any]:
    options = [{"text": plain(f"o{n}"), "value": f"{value}{n}"} for n in range(count)]
    return {"type": "static_select", "action_id": "s", "placeholder": plain("p"), "options": options}


FINE = [
    [section("x" * 3000)],
    [{"type": "header", "text": plain("x" * 150)}],
    [actions(*(button(action_id=f"a{n}") for n in range(25)))],
    [actions(button(value="v" * 2000, text=plain("t" * 75)))],
    [section() for _ in range(50)],
    [section(accessory=select(100))],
    [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10}],
]
WRONG = [
    ([section("x" * 3001)], "/blocks/0/text/text"),
    ([section("")], "/blocks/0/text/text"),
    ([{"type": "header", "text": plain("x" * 151)}], "/blocks/0/text/text"),
    ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "/blocks/0/text/type"),
    ([actions(*(button(action_id=f"a{n}") for n in range(26)))], "/blocks/0/elements"),
    ([actions()], "/blocks/0/elements"),
    ([actions(button(), button())], "action_id \"go\" already exists"),
    ([actions(button(value="v" * 2001))], "/blocks/0/elements/0/value"),
    ([actions(button(text=plain("t" * 76)))], "/blocks/0/elements/0/text/text"),
    ([actions(button(style="green"))], "/blocks/0/elements/0/style"),
    ([actions(button(confirm={"title": plain("t" * 101)}))], "/confirm/title"),
    ([section() for _ in range(51)], "no more than 50 items"),
    ([section(block_id="a"), section(block_id="a")], "block_id \"a\" already exists"),
    ([section(accessory=select(101))], "/blocks/0/accessory/options"),
    ([section(accessory=select(1, "v" * 75))], "/options/0/value"),
    ([section(fields=[plain("x")] * 11)], "/blocks/0/fields"),
    ([{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}], "/blocks/0/elements"),
    ([{"type": "sektion"}], "unsupported type: sektion"),
    ([section(block_id="b" * 256)], "/blocks/0/block_id"),
    ("text", "must be an array"),
]  # fmt: skip


@pytest.mark.parametrize("blocks", FINE)
def test_blocks_at_the_limit_pass(blocks: list[dict[str, Any]]) -> None:
    assert problems(blocks) == []


@pytest.mark.parametrize(("blocks", "told"), WRONG)
def test_blocks_over_the_limit_are_named(blocks: Any, told: str) -> None:
    assert any(told in problem for problem in problems(blocks)), problems(blocks)


async def test_slack_refuses_them_with_invalid_blocks_and_a_pointer(web: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await web.chat_postMessage(channel="C0INCIDENTS", text="x", blocks=[section("x" * 3001)])
    assert caught.value.response["error"] == "invalid_blocks"
    assert "json-pointer:/blocks/0/text/text" in caught.value.response["response_metadata"]["messages"][0]
