"""The field type of lengths of time in actions: "5m" as everywhere, or plain seconds. Declares no action."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from playbooks.durations import compact, parse_duration


def length(value: Any) -> timedelta:
    """120 or "2m" as a timedelta. Raises ValueError, saying how to write it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return parse_duration(value)
    if not 0 <= value <= 10 * 366 * 86400:
        raise ValueError("a length of time is not negative and at most ten years")
    return timedelta(seconds=value)


Length = Annotated[timedelta, BeforeValidator(length), PlainSerializer(compact, str, when_used="json")]
