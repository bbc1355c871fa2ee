"""Replies and cards in a terminal: the same words as in Slack, as rich text (story.md, "when Slack is not there").

On a terminal with panels and tables for its width; elsewhere plain. Belongs here: Slack's mrkdwn and blocks -> rich.
Does not belong here: reading or waiting for answers (bot/cli.py), what `muster watch` shows (watching.py).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape as rich_escape
from rich.panel import Panel
from rich.rule import Rule
from rich.styled import Styled
from rich.table import Table
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


def reply_view(body: Mapping[str, Any]) -> RenderableType:
    """A Reply on a terminal: a panel, green or red, its buttons as a table of what to type."""
    reply = Reply.model_validate(body)
    parts: list[RenderableType] = [to_text(reply.text)]
    if reply.buttons:
        parts.append(_to_type((button.label, button.line) for button in reply.buttons))
    return Panel(Group(*parts), border_style="green" if reply.ok else "red", padding=(0, 1))


def card_view(blocks: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Block Kit on a terminal: fields side by side, small print dim, buttons as a table of what to type."""
    parts: list[RenderableType] = []
    for block in blocks:
        kind = block["type"]
        if kind in ("section", "header") and block.get("text"):
            parts.append(to_text(block["text"]["text"]) if kind == "section" else Text(block["text"]["text"], "bold"))
        if kind == "section" and block.get("fields"):
            parts.append(_fields([field["text"] for field in block["fields"]]))
        elif kind == "context":
            parts += [Styled(to_text(one["text"]), "dim") for one in block["elements"] if "text" in one]
        elif kind == "divider":
            parts.append(Rule(style="dim"))
        elif kind == "actions":
            pressed = [one for one in block["elements"] if one["type"] == "button"]
            parts.append(_to_type((one["text"]["text"], one.get("value") or one.get("url") or "") for one in pressed))
    return Group(*parts)


def _fields(texts: Sequence[str]) -> Table:
    """Two columns, as Slack sets them."""
    table = Table.grid(expand=True, padding=(0, 2))
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    for at in range(0, len(texts), 2):
        table.add_row(*(to_text(text) for text in texts[at : at + 2]))
    return table


def _to_type(buttons: Iterable[tuple[str, str]]) -> Table:
    """`Approve  muster say playbook approve INC-42/2`; an address as it is."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(style="cyan", overflow="fold")
    for label, line in buttons:
        # Text, never markup: a line may hold what a person typed.
        typed = line if "://" in line else f"muster say {shlex.quote(line)}" if line else ""
        table.add_row(Text(label), Text(typed))
    return table


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
