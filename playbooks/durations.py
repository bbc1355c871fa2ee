"""Lengths of time as people write them ("2h30m"), as data (timedelta) and as people read them ("2 h 30 min").

Belongs here: parsing, the pydantic type `Duration`, the two ways back to text.
Does not belong here: dates and calendars (policy_sections.Calendar).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[wdhms]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[wdhms])")
_MOST = timedelta(days=3660)


def parse_duration(value: Any) -> timedelta:
    """Text such as "30s", "15m", "2h30m", "1d" as a timedelta; a timedelta is returned as it is.

    Units: w, d, h, m, s, ms, largest first, each at most once. Raises ValueError, saying how to write it.
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit; write a duration such as 30s, 15m, 4h or 2h30m")
    text = value.replace(" ", "").lower()
    parts = _PART.findall(text) if _WHOLE.fullmatch(text) else []
    sizes = [_UNITS[unit] for _, unit in parts]
    if not parts or sizes != sorted(set(sizes), reverse=True):
        raise ValueError(f"{value!r} is not a duration; write it like 30s, 15m, 4h or 2h30m")
    milliseconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if milliseconds > _MOST.total_seconds() * 1000:
        raise ValueError(f"{value!r} is longer than ten years")
    return timedelta(milliseconds=milliseconds)


def compact(length: timedelta) -> str:
    """The shortest text that `parse_duration` reads back: "2h30m", "90s" is "1m30s", nothing is "0s"."""
    left = round(length.total_seconds() * 1000)
    out = ""
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _UNITS[unit])
        out += f"{count}{unit}" if count else ""
    return out or "0s"


def words(length: timedelta) -> str:
    """For people: "15 min", "2 h 30 min", "9 min 2 s", "3 days", "0 s". Milliseconds only below one second."""
    total = round(length.total_seconds())
    if total == 0:
        thousandths = round(length.total_seconds() * 1000)
        return f"{thousandths} ms" if thousandths else "0 s"
    days, rest = divmod(abs(total), 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    named = ((days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    said = " ".join(f"{count} {unit}" for count, unit in named if count)
    return f"-{said}" if total < 0 else said


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(compact, str, when_used="json")]
"""A pydantic field type: text in, timedelta inside, compact text in JSON."""
