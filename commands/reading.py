"""What Slack, a form or a terminal hands over as text, cut into words: quotes, `key=value`, mentions, links, escapes.

Belongs here: cleaning and cutting text, both ways. Does not belong here: what a word means (kinds.py, fields.py).

Slack writes people as `<@U0BEN|ben>`, links as `<https://x|x>`, escapes `&`, `<` and `>`, and its composer turns
straight quotes into smart ones. A terminal does none of this; both are read by the same rules.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_ENTITY = re.compile(r"<([^<>\n]+)>")
_ESCAPED = re.compile(r"&(amp|lt|gt);")
_ESCAPES = {"amp": "&", "lt": "<", "gt": ">"}
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=")
_CLOSERS = {"“": "”“", "„": "“”", "«": "»"}
_INVISIBLE = frozenset("\u200b\u2060\ufeff")
_QUOTES = frozenset('"“”„«»')


@dataclass(frozen=True)
class Token:
    """One word as typed. value: without quotes; quoted: it stood in quotes; start, end: where, in the cleaned text."""

    value: str
    start: int
    end: int
    quoted: bool = False
    key: str = ""


def clean(text: str) -> str:
    """Without control characters (PostgreSQL refuses NUL), broken surrogates and invisible marks; line ends as \\n."""
    joined = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in joined if char in "\n\t" or not _unwanted(char))


def _unwanted(char: str) -> bool:
    return char in _INVISIBLE or unicodedata.category(char) in ("Cc", "Cs")


def cut(text: str) -> list[Token]:
    """The words of a cleaned text. A quote that is never closed, or stands inside a word, is an ordinary character."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token = _token(text, at)
        tokens.append(token)
        at = token.end
    return tokens


def _token(text: str, start: int) -> Token:
    if found := _quote(text, start):
        return Token(found[0], start, found[1], quoted=True)
    key = _KEY.match(text, start)
    if key and (found := _quote(text, key.end())):
        return Token(found[0], start, found[1], quoted=True, key=key[1])
    end = start
    while end < len(text) and not text[end].isspace():
        entity = _ENTITY.match(text, end)
        end = entity.end() if entity else end + 1
    if key and key.end() < end:
        return Token(text[key.end() : end], start, end, key=key[1])
    return Token(text[start:end], start, end)


def _quote(text: str, start: int) -> tuple[str, int] | None:
    """The content of a quotation that starts here and is followed by space or the end, and where it ends."""
    opener = text[start : start + 1]
    if opener == '"':
        return _straight(text, start + 1)
    closers = _CLOSERS.get(opener, "")
    for end in range(start + 1, len(text) if closers else 0):
        if text[end] in closers and _ends(text, end + 1):
            return text[start + 1 : end], end + 1
    return None


def _straight(text: str, start: int) -> tuple[str, int] | None:
    out: list[str] = []
    at = start
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in ('"', "\\"):
            at += 1
        elif text[at] == '"':
            return ("".join(out), at + 1) if _ends(text, at + 1) else None
        out.append(text[at])
        at += 1
    return None


def _ends(text: str, at: int) -> bool:
    return at == len(text) or text[at].isspace()


def plain(text: str) -> str:
    """Slack's markup as people read it: `<@U0BEN|ben>` is @ben, `<https://x|x>` is https://x, `&amp;` is &."""
    return unescape(_ENTITY.sub(lambda match: _entity(match[1]), text))


def unescape(text: str) -> str:
    """Slack's three escapes, once."""
    return _ESCAPED.sub(lambda match: _ESCAPES[match[1]], text)


def _entity(inner: str) -> str:
    target, _, label = inner.partition("|")
    if target.startswith(("@", "#")):
        return target[0] + (label.lstrip("@#") or target[1:])
    if target.startswith("!"):
        word = target.removeprefix("!").partition("^")[0]
        return "@" + (label.lstrip("@") or word)
    if target.startswith("mailto:"):
        return label or target.removeprefix("mailto:")
    if "://" in target:
        shown = label.removesuffix("/")
        return target if not label or shown in target or shown == target.removesuffix("/") else f"{label} ({target})"
    return f"<{inner}>"


def quote(text: str) -> str:
    """A text as `cut` and `plain` read it back unchanged, in quotes where it needs them."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    bare = text and "=" not in text and "\\" not in text and not any(c.isspace() or c in _QUOTES for c in text)
    if bare:
        return escaped
    return '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'
