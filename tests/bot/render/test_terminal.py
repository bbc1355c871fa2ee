"""The terminal shows the same words, and nothing a person typed becomes markup."""

from __future__ import annotations

import pytest

from bot.render.blocks import buttons, drawn
from bot.render.terminal import card_text, reply_text, to_text
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
