"""Legal channel names for any title (contract A9). Pure: for opening the channel and for words about it."""

from __future__ import annotations

import re
import unicodedata

MOST = 80
# Letters that Unicode does not decompose although people read them as Latin.
PLAIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h"})


def slug(title: str) -> str:
    """Lower-case ASCII words joined by "-"; "" when nothing of the title can be written so (another script, emoji)."""
    decomposed = unicodedata.normalize("NFKD", title.casefold()).translate(PLAIN)
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-")


def channel_name(number: int, title: str, *, secret: bool = False, prefix: str = "inc", copy: int = 1) -> str:
    """`inc-42-checkout-is-down`, at most 80 characters of a-z, 0-9 and "-".

    secret: `inc-42-restricted`, which says nothing of the title. copy: 2, 3 ... appends "-2", "-3", and fits.
    """
    tail = f"-{copy}" if copy > 1 else ""
    word = "restricted" if secret else slug(title)
    name = f"{slug(prefix) or 'inc'}-{number}-{word}"[: MOST - len(tail)].rstrip("-")
    return name + tail
