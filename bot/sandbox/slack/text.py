"""Text as a person types it and as a person reads it.

Belongs here: escaping of mentions (contract A1 should_escape), and flattening blocks into reading order.
"""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.world import World

MENTION = re.compile(r"(?<![\w<|])([@#])([a-z0-9][\w.-]*)", re.IGNORECASE)


def escaped(world: World, text: str, command: bool = False) -> str:
    """What Slack delivers for what was typed: ``@ben`` becomes ``<@U0BEN|ben>`` in commands (contract A1).

    In messages the label is left out for people. ``&``, ``<`` and ``>`` are escaped; names nobody has stay as they are.
    """
    already = "<@" in text or "<#" in text or "<!" in text
    safe = text if already else text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def link(found: re.Match[str]) -> str:
        sign, name = found.group(1), found.group(2).rstrip(".")
        rest = found.group(2)[len(name) :]
        if sign == "#":
            channel = world.named(name)
            return f"<#{channel.id}|{channel.name}>{rest}" if channel and not channel.is_private else found.group(0)
        user = world.user_named(name)
        if user is not None and name == user.name:
            return f"<@{user.id}|{user.name}>{rest}" if command else f"<@{user.id}>{rest}"
        group = next((g for g in world.groups.values() if g.handle == name), None)
        return f"<!subteam^{group.id}|@{group.handle}>{rest}" if group else found.group(0)

    return MENTION.sub(link, safe)


def flattened(text: str, blocks: list[dict[str, Any]]) -> str:
    """The text and then every text in the blocks, in reading order, one line each; what a person would see."""
    lines = [text] if text else []
    for block in blocks:
        _collect(block, lines)
    return "\n".join(line for n, line in enumerate(lines) if line and line not in lines[:n])


def _collect(part: Any, lines: list[str]) -> None:
    if isinstance(part, list):
        for item in part:
            _collect(item, lines)
    elif isinstance(part, dict):
        kind, text = part.get("type"), part.get("text")
        if isinstance(text, str):
            lines.append(text)
        elif isinstance(text, dict):
            lines.append(f"[{text.get('text', '')}]" if kind == "button" else str(text.get("text", "")))
        if kind == "rich_text_section":
            lines.append("".join(str(e.get("text") or e.get("url") or "") for e in part.get("elements", [])))
            return
        for name in ("title", "label", "hint", "fields", "elements", "element", "accessory", "options", "rows"):
            if name in part and not (kind == "button" and name != "elements"):
                _collect(part[name], lines)
        if kind in ("plain_text", "mrkdwn", "raw_text"):
            return
