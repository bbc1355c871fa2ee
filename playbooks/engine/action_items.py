"""The action items of a post-mortem's text: what people wrote into that section, as rows.

Belongs here: reading the table (or a list) of the section, pure. Does not belong here: making follow-ups of them
(commands/incident/followups.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from playbooks.engine.post_mortem_sections import sections

SECTION = "action-items"
MINE = "*(yours)*"  # what a draft leaves to people
_CELL = re.compile(r"(?<!\\)\|")
_BULLET = re.compile(r"^\s*(?:[-*]|\d+[.)])\s+(?:\[[ xX]?\]\s+)?(.+)$")


@dataclass(frozen=True)
class Item:
    """One. owner: as written, "" for nobody; due: None where no day is written (YYYY-MM-DD)."""

    what: str
    owner: str = ""
    due: date | None = None


def items(body: str) -> list[Item]:
    """All of them, in order, each once."""
    text = next((one.text for one in sections(body) if one.slug == SECTION), "")
    found: list[Item] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("|"):
            cells = [_plain(cell) for cell in _CELL.split(line.strip("|"))]
            if cells[0].lower() in ("", "what") or set("".join(cells)) <= set("-: "):
                continue
            found.append(Item(cells[0], *_rest(cells)))
        elif (bullet := _BULLET.match(line)) and (what := _plain(bullet[1])):
            found.append(Item(what))
    each: dict[str, Item] = {}
    for one in found:
        each.setdefault(same(one.what), one)
    return list(each.values())


def same(what: str) -> str:
    """By which two are the same: their words, whatever spaces and capitals."""
    return " ".join(what.split()).casefold()


def _rest(cells: list[str]) -> tuple[str, date | None]:
    due = re.search(r"\d{4}-\d{2}-\d{2}", cells[2]) if len(cells) > 2 else None
    try:
        day = date.fromisoformat(due[0]) if due else None
    except ValueError:
        day = None
    return cells[1] if len(cells) > 1 else "", day


def _plain(cell: str) -> str:
    words = cell.strip().replace("\\|", "|")
    return "" if words == MINE else re.sub(r"\\([\\`*_~<>#\[\]()!])", r"\1", words)
