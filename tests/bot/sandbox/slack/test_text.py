"""Slack's text, stood in for: escapes, mentions, links, lengths."""

from __future__ import annotations

import pytest

from bot.sandbox.slack.text import escaped, flattened
from bot.sandbox.world import World


@pytest.mark.parametrize(
    ("typed", "command", "message"),
    [
        ("@ben", "<@U0BEN|ben>", "<@U0BEN>"),
        (
            "ask @ben, then @sre.",
            "ask <@U0BEN|ben>, then <!subteam^S0SRE|@sre>.",
            "ask <@U0BEN>, then <!subteam^S0SRE|@sre>.",
        ),
        ("#incidents", "<#C0INCIDENTS|incidents>", "<#C0INCIDENTS|incidents>"),
        ("#nowhere @nobody ben@example.com", "#nowhere @nobody ben@example.com", "#nowhere @nobody ben@example.com"),
        ("a < b & c", "a &lt; b &amp; c", "a &lt; b &amp; c"),
        ("<@U0BEN> is here", "<@U0BEN> is here", "<@U0BEN> is here"),
    ],
)
def test_what_is_typed_and_what_is_delivered(typed: str, command: str, message: str) -> None:
    world = World()
    assert escaped(world, typed, command=True) == command
    assert escaped(world, typed) == message


def test_blocks_are_read_from_top_to_bottom() -> None:
    def text(words: str) -> dict[str, str]:
        return {"type": "mrkdwn", "text": words}

    blocks = [
        {"type": "header", "text": text("one")},
        {"type": "section", "text": text("two"), "fields": [text("three"), text("four")],
         "accessory": {"type": "button", "text": text("five")}},
        {"type": "context", "elements": [text("six")]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
            {"type": "text", "text": "sev"}, {"type": "text", "text": "en"}]}]},
        {"type": "markdown", "text": "eight"},
    ]  # fmt: skip
    assert flattened("zero", blocks).split("\n") == [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "[five]",
        "six",
        "seven",
        "eight",
    ]
