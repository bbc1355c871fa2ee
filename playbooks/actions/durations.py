"""Lengths of time as people write them in playbooks ("5m", "90s", 120) and read them ("5 min").

Belongs here: this one field type and its words. Declares no action.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)")


def seconds(value: Any) -> float:
    """Seconds of 120, "120", "90s", "5m", "1h 30m". Raises ValueError with the words to write instead."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    else:
        text = str(value).strip().lower()
        parts = PART.findall(text)
        if parts and not PART.sub("", text).strip():
            number = sum(float(amount) * UNITS[unit] for amount, unit in parts)
        elif re.fullmatch(r"\d+(\.\d+)?", text):
            number = float(text)
        else:
            raise ValueError(f"{text[:40]!r} is no length of time; write 90s, 5m, 1h 30m or seconds")
    if not 0 <= number < 10 * 366 * 86400:
        raise ValueError("a length of time is not negative and below ten years")
    return number


def words(length: float) -> str:
    """ "45 s", "5 min", "1 h 30 min" for a length in seconds."""
    if length < 120 and length % 60:
        return f"{length:g} s"
    minutes, rest = divmod(round(length), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else ""]
    return " ".join(part for part in parts if part) or "0 s"


Seconds = Annotated[float, BeforeValidator(seconds)]
