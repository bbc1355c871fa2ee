"""Words -> Block Kit, within Slack's limits (contract A8), and never more than they say.

Belongs here: escaping, cutting, splitting, buttons, a Reply as a message. Does not belong here: what a card shows (one
file per card kind), or sending. Text of people may hold `<!channel>`, links, emoji and right-to-left marks: `person()`
makes it harmless before it stands in a sentence of ours.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.render.forms import action_id
from commands.command import Button, Reply

Block = dict[str, Any]
TEXT_MOST = 3900  # chat.update refuses 4,000
SECTION_MOST = 2900
REPLY_MOST = 12_000
BLOCKS_MOST = 48
IN_A_ROW = 5
_BROADCAST = re.compile(r"<!(channel|here|everyone|subteam\^[^>]*)(\|[^>]*)?>")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_HALF = re.compile(r"(&[a-z]{0,4}|<[^<>]*)$")


@dataclass(frozen=True)
class Drawn:
    """A message as it should look. text: the fallback for notifications and screen readers, always there."""

    text: str
    blocks: tuple[Block, ...]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what is shown: equal digests need no update."""
        shown = json.dumps([self.text, self.blocks], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()


def escape(text: str) -> str:
    """Slack's three escapes: nothing in the text is a mention, a link or a broadcast any more."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def person(text: str | None, most: int = 200) -> str:
    """Words of a person inside a line of ours: one line, cut, escaped, and unable to turn the rest of it around."""
    line = _BIDI.sub("", " ".join((text or "").split()))
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return f"\u2068{escape(line)}\u2069" if _RTL.search(line) else escape(line)


def said(text: str, most: int = 2000) -> str:
    """Words of a person over several lines (a status update), escaped and cut."""
    return cut(escape(_BIDI.sub("", text)), most)


def mrkdwn(text: str) -> str:
    """A sentence of commands or errors as Slack writes it: `**bold**` becomes `*bold*`, nobody is called by it."""
    return _BROADCAST.sub(lambda found: escape(found.group(0)), _BOLD.sub(r"*\1*", text))


def cut(text: str, most: int) -> str:
    """At most so many characters, never ending inside an escape or a link."""
    return text if len(text) <= most else f"{_HALF.sub('', text[: most - 1])}…"


def split(text: str, most: int = SECTION_MOST) -> list[str]:
    """Parts of at most `most` characters, broken at line ends where there are any; code fences stay whole."""
    parts: list[str] = []
    part = ""
    for whole in text.split("\n"):
        line = whole
        while len(line) > most:
            head = cut(line, most).removesuffix("…") or line[:most]
            parts, part, line = [*parts, *([part] if part else []), head], "", line[len(head) :]
        if part and len(part) + len(line) + 1 > most:
            parts, part = [*parts, part], line
        else:
            part = f"{part}\n{line}" if part else line
    return _fenced([*parts, part] if part else parts)


def _fenced(parts: list[str]) -> list[str]:
    inside = False
    done = []
    for part in parts:
        opened, inside = inside, inside ^ (part.count("```") % 2 == 1)
        done.append(f"{'```' if opened else ''}{part}{'```' if inside else ''}")
    return done


def section(text: str) -> Block:
    """A paragraph. verbatim: Slack shall not look for names in it by itself."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, 3000) or " ", "verbatim": True}}


def context(text: str) -> Block:
    """A small grey line."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, 2000) or " ", "verbatim": True}]}


def buttons(given: Sequence[Button], *, first: int = 0) -> list[Block]:
    """Rows of buttons. first: number of the first, so that action ids stay unique within a message."""
    elements = [button(one, number) for number, one in enumerate(given, first)]
    rows = [elements[start : start + IN_A_ROW] for start in range(0, len(elements), IN_A_ROW)]
    return [{"type": "actions", "elements": row} for row in rows]


def button(given: Button, number: int) -> Block:
    """One button: its value is the command line that pressing it asks."""
    block: Block = {
        "type": "button", "action_id": action_id(number, given.asks), "value": given.line[:2000],
        "text": {"type": "plain_text", "text": given.label[:75], "emoji": True},
    }  # fmt: skip
    if given.style in ("primary", "danger"):
        block["style"] = given.style
    if given.confirm:
        block["confirm"] = {
            "title": {"type": "plain_text", "text": given.label[:100]},
            "text": {"type": "plain_text", "text": given.confirm[:300]},
            "confirm": {"type": "plain_text", "text": given.label[:30]},
            "deny": {"type": "plain_text", "text": "Not now"},
        }
    return block


def drawn(lines: Iterable[str | Block], *, text: str = "") -> Drawn:
    """A message from paragraphs and blocks. Without `text` the paragraphs themselves are the fallback."""
    blocks: list[Block] = []
    words: list[str] = []
    for line in lines:
        if isinstance(line, str):
            words.append(line)
            blocks += [section(part) for part in split(line)]
        else:
            blocks.append(line)
    return Drawn(cut(text or "\n".join(words), TEXT_MOST), tuple(blocks[:BLOCKS_MOST]))


def draw_reply(body: Mapping[str, Any]) -> Drawn:
    """A Reply (its model_dump) as one message: long answers are cut and say so."""
    reply = Reply.model_validate(body)
    text = mrkdwn(reply.text)
    lines: list[str | Block] = [cut(text, REPLY_MOST)]
    if len(text) > REPLY_MOST:
        lines.append(context("Cut here. In full: `muster say …` in a terminal, or ask for a part."))
    return drawn([*lines, *buttons(reply.buttons)], text=cut(text, TEXT_MOST))


def hm(time: datetime | None, now: datetime | None = None) -> str:
    """`14:02`, with the day when it is another one than `now`; "—" where there is none. UTC."""
    if time is None:
        return "—"
    time = time.astimezone(UTC)
    other_day = now is not None and now.astimezone(UTC).date() != time.date()
    return f"{time:%-d %b %H:%M}" if other_day else f"{time:%H:%M}"


def hms(time: datetime | None) -> str:
    """`14:09:12` UTC."""
    return f"{time.astimezone(UTC):%H:%M:%S}" if time else "—"
