"""The terminal shows the same words, and nothing a person typed becomes markup."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from bot.render.blocks import buttons, drawn
from bot.render.terminal import card_text, card_view, reply_text, reply_view, to_text
from commands.command import Button, Reply


def test_words_links_and_spans() -> None:
    text = to_text("*INC-1* in <#C1|inc-1> by <@U1|ana>, see <https://x.example|page>, `code`, a &amp; b")
    assert text.plain == "INC-1 in #inc-1 by @ana, see page (https://x.example), code, a & b"
    assert any(span.style == "bold" for span in text.spans)


@pytest.mark.parametrize("typed", ["[bold red]x[/]", "[/]", "[link=x]", "2 * 3 * 4", "a_b_c"])
def test_what_a_person_typed_stays_what_it_is(typed: str) -> None:
    assert to_text(typed).plain == typed


def test_buttons_are_the_lines_one_would_type() -> None:
    button = Button(label="Approve", line="playbook approve INC-1/2 9f2c")
    assert (
        "→ Approve: /playbook approve INC-1/2 9f2c"
        in reply_text(Reply(text="ok", buttons=(button,)).model_dump()).plain
    )
    assert "→ Approve: /playbook approve INC-1/2 9f2c" in card_text(drawn(["card", *buttons([button])])).plain


def on_screen(shown: RenderableType, width: int) -> list[str]:
    """The lines of a terminal of that width."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 120])
def test_a_terminal_shows_panels_and_tables_for_its_width(width: int) -> None:
    button = Button(label="Send [it]", line='incident send INC-1 draft="a b"')
    reply = on_screen(reply_view(Reply(text="*Preview*: [red]not red[/]", buttons=(button,)).model_dump()), width)
    assert reply[0].startswith("╭") and max(map(len, reply)) <= width
    assert "[red]not red[/]" in "".join(reply) and "Send [it]" in "".join(reply) and "muster say" in "".join(reply)
    fields = [{"type": "mrkdwn", "text": f"*Role {n}*\nBen"} for n in range(3)]
    link = {"type": "button", "text": {"type": "plain_text", "text": "Page"}, "url": "https://x.example/1"}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": "INC-1"}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*down* since <https://x.example|14:02>"},
            "fields": fields,
        },
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}, {"type": "image", "alt_text": "x"}]},
        {"type": "actions", "elements": [link, {"type": "static_select", "action_id": "x"}]},
    ]
    card = on_screen(card_view(blocks), width)
    assert any("Role 0" in line and "Role 1" in line for line in card), "fields stand side by side"
    assert any(line.startswith("──") for line in card) and any("https://x.example/1" in line for line in card)
    assert "small" in "\n".join(card) and max(map(len, card)) <= width
