"""A reply's words as Slack takes them."""

from __future__ import annotations

from commands.command import Reply


def test_what_stands_for_words_to_come_is_no_markup() -> None:
    said = "`/incident sev sev2 <why it is>` <@U0BEN> <#C1|inc> <!here> <https://x.example|there> <mailto:a@b.example>"
    text = Reply(text=said).text
    assert text == said.replace("<why it is>", "&lt;why it is&gt;")
    assert Reply(text=text).text == text
