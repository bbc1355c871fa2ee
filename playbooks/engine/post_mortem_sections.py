"""The sections of a post-mortem as text: finding one, putting other words in its place.

Belongs here: Markdown with a `##` heading per section, pure. Does not belong here: what a draft says
(post_mortem_parts.py, post_mortem_lessons.py), keeping versions (storage/post_mortems.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_DEEPER = re.compile(r"^#{1,2}(?=\s)", re.MULTILINE)
TO_FILL_IN = " — *to fill in*"


@dataclass(frozen=True)
class Section:
    """One section. slug: its name in commands; text: without the heading; wanted: people have yet to fill it in."""

    slug: str
    heading: str
    text: str
    wanted: bool


def slug(heading: str) -> str:
    """`Five whys — *to fill in*` -> five-whys."""
    return re.sub(r"[^a-z0-9]+", "-", heading.split(" — ", maxsplit=1)[0].lower()).strip("-")


def sections(body: str) -> list[Section]:
    """All of them, in order."""
    found = list(_HEADING.finditer(body))
    ends = [*(one.start() for one in found[1:]), len(body)][: len(found)]
    read = []
    for one, end in zip(found, ends, strict=True):
        text = body[one.end() : end].strip()
        wanted = one[1].endswith(TO_FILL_IN.strip()) or "*(yours)*" in text
        read.append(Section(slug(one[1]), one[1].removesuffix(TO_FILL_IN), text, wanted))
    return read


def replaced(body: str, name: str, text: str) -> str:
    """The body with other words in one section. Headings in them go below the section's own, so that the others stay
    where they are. Raises KeyError where there is no such section."""
    found = list(_HEADING.finditer(body))
    for number, one in enumerate(found):
        if slug(one[1]) == name:
            end = found[number + 1].start() if number + 1 < len(found) else len(body)
            words = _DEEPER.sub("###", text.replace("\r\n", "\n").strip())
            heading = one[1].removesuffix(TO_FILL_IN)
            return f"{body[: one.start()]}## {heading}\n\n{words}\n\n{body[end:]}".rstrip() + "\n"
    raise KeyError(name)


def added(body: str, name: str, text: str) -> str:
    """The body with more words at the end of one section, all else as it is. Raises KeyError where there is none."""
    found = list(_HEADING.finditer(body))
    for number, one in enumerate(found):
        if slug(one[1]) == name:
            end = found[number + 1].start() if number + 1 < len(found) else len(body)
            return f"{body[:end].rstrip()}\n\n{text}\n\n{body[end:]}".rstrip() + "\n"
    raise KeyError(name)
