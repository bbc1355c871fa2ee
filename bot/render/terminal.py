"""Replies and cards in a terminal: the same words as in Slack, as rich text (story.md, "when Slack is not there").

Belongs here: Slack's mrkdwn -> rich markup. Does not belong here: reading or waiting for answers (bot/cli.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rich.markup import escape as rich_escape
from rich.text import Text

from bot.render.blocks import Drawn
from commands.command import Reply

_LINK = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_SPANS = ((re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?!\w)"), "bold"),
          (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)"), "italic"),
          (re.compile(r"`([^`\n]+)`"), "cyan"))  # fmt: skip


def reply_text(body: Mapping[str, Any]) -> Text:
    """A Reply with its buttons as the lines one would type."""
    reply = Reply.model_validate(body)
    lines = [reply.text]
    lines += [f"→ {button.label}: `/{button.line}`" for button in reply.buttons]
    return to_text("\n".join(lines))


def card_text(drawn: Drawn) -> Text:
    """A card's paragraphs; its buttons as the lines one would type."""
    lines: list[str] = []
    for block in drawn.blocks:
        if block["type"] == "section":
            lines.append(block["text"]["text"])
        elif block["type"] == "context":
            lines += [element["text"] for element in block["elements"]]
        elif block["type"] == "actions":
            lines += [f"→ {one['text']['text']}: `/{one['value']}`" for one in block["elements"]]
    return to_text("\n".join(lines))


def to_text(mrkdwn: str) -> Text:
    """Bold, italics and code as Slack shows them; links and mentions in words. Nothing a person typed is markup."""
    plain = _unescape(_LINK.sub(_link, mrkdwn))
    marked = rich_escape(plain)
    for pattern, style in _SPANS:
        marked = pattern.sub(rf"[{style}]\1[/{style}]", marked)
    return Text.from_markup(marked, emoji=False)


def _link(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    if target.startswith(("@", "#", "!")):
        return f"{target[0] if target[0] != '!' else '@'}{label or target[1:]}"
    return f"{label} ({target})" if label else target


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
