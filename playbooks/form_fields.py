"""The typed fields of a form that a person fills in: what may be written, within which bounds, and reading it.

Belongs here: the field, reading one value or a whole form, both pure. Does not belong here: how a form looks
(bot/render/answering.py), who may fill it in (engine/asked.py). Times are read as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from playbooks.durations import compact, parse_duration, words
from playbooks.errors import Refused
from playbooks.reading import nearest

RESERVED = ("run", "step", "choice", "text", "code", "incident", "at")  # `/playbook answer` has these itself
LONGEST = {"string": 500, "text": 3000}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})z?", re.IGNORECASE)
_FROM_NOW = re.compile(r"([+-])(.+)")


class FormField(BaseModel):
    """One field. min, max: of an integer; of a string or text its length; of a duration; of a time a moment, `now`, or
    a length from now (`-7d`). Times and durations are written as everywhere: 2026-11-22T14:05Z or 14:05, 2h30m."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    type: Literal["string", "text", "integer", "time", "duration", "choice"] = "string"
    label: str = Field(default="", max_length=150)
    choices: tuple[str, ...] = Field(default=(), max_length=100)
    min: int | str | None = None
    max: int | str | None = None
    required: bool = True

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        close = nearest(name, RESERVED)
        if close and len(set(name) ^ set(close)) <= 1:
            raise ValueError(f"{name} cannot be told from `{close}=` of `/playbook answer`; call it otherwise")
        return name

    @field_validator("min", "max", mode="before")
    @classmethod
    def _as_text(cls, bound: Any) -> Any:
        return bound.isoformat() if isinstance(bound, datetime) else bound  # as YAML reads a time without quotes

    @model_validator(mode="after")
    def _fits(self) -> FormField:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("choices belong to a field of type choice, which needs them")
        for bound in (self.min, self.max):
            if bound is not None and "${{" not in str(bound):
                _bound(self, bound, datetime.now(UTC))
        return self

    @property
    def title(self) -> str:
        """How people read its name."""
        return self.label or self.name.replace("_", " ").capitalize()

    def hint(self) -> str:
        """What may be written: "a whole number, 1 to 9"."""
        kinds = {
            "string": "one line", "text": "text", "integer": "a whole number", "duration": "a length such as 2h30m",
            "time": "a time, UTC: 14:05 or 2026-11-22T14:05Z", "choice": f"one of {', '.join(self.choices)}",
        }  # fmt: skip
        low, high = ("" if bound is None else str(bound) for bound in (self.min, self.max))
        said = f", {low} to {high}" if low and high else f", from {low}" if low else f", up to {high}" if high else ""
        unit = " characters" if said and self.type in LONGEST else ""
        return f"{kinds[self.type]}{said}{unit}{'' if self.required else '; may be left out'}"


def read_field(field: FormField, text: str, now: datetime) -> Any:
    """The typed value as JSON: text, int, "2h30m", an ISO 8601 time in UTC. Raises ValueError, saying what is right."""
    value = text.strip()
    if field.type == "choice":
        return _choice(field, value)
    if field.type in LONGEST:
        return _text(field, value)
    found: Any = _time(field, value, now) if field.type == "time" else _READ[field.type](value)
    low, high = (None if b is None else _bound(field, b, now) for b in (field.min, field.max))
    if (low is not None and found < low) or (high is not None and found > high):
        limits = [f"at least {_said(low)}"] * (low is not None) + [f"at most {_said(high)}"] * (high is not None)
        raise ValueError(f"{_said(found)}, where it must be {' and '.join(limits)}")
    return found if field.type == "integer" else compact(found) if field.type == "duration" else found.isoformat()


def read_form(fields: Sequence[FormField], given: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Every field's value; None where one that need not be there was left out. Raises Refused naming all faults."""
    problems = wrong(fields, given, now)
    if problems:
        said = " ".join(f"**{name}**: {why}." for name, why in problems.items())
        raise Refused(f"Nothing was recorded. {said}")
    return {f.name: read_field(f, given[f.name], now) if given.get(f.name, "").strip() else None for f in fields}


def wrong(fields: Sequence[FormField], given: Mapping[str, str], now: datetime) -> dict[str, str]:
    """What is wrong with what was given: field -> words; unknown names too, with the nearest right one."""
    names = [field.name for field in fields]
    found: dict[str, str] = {}
    for name in given:
        if name not in names:
            near = nearest(name, names)
            found[name] = f"there is no such field{f', did you mean {near}' if near else ''}"
    for field in fields:
        said = given.get(field.name, "")
        if not said.strip():
            if field.required:
                found[field.name] = f"it is needed ({field.hint()})"
            continue
        try:
            read_field(field, said, now)
        except ValueError as error:
            found[field.name] = str(error)
    return found


def read_moment(text: str, now: datetime, *, ahead: bool = False) -> datetime:
    """2026-11-22T14:05Z (without zone: UTC), or 14:05: the last one, or with `ahead` the next. Raises ValueError."""
    if clock := _CLOCK.fullmatch(text.strip()):
        hour, minute = int(clock[1]), int(clock[2])
        if hour > 23 or minute > 59:
            raise ValueError(f"{text} is no time of day")
        found = now.astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
        if ahead:
            return found if found > now else found + timedelta(days=1)
        return found if found <= now else found - timedelta(days=1)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text} is no time; write 14:05 or 2026-11-22T14:05Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _choice(field: FormField, text: str) -> str:
    found = next((choice for choice in field.choices if choice.casefold() == text.casefold()), None)
    if found is None:
        raise ValueError(f"{text} is not one of {', '.join(field.choices)}")
    return found


def _text(field: FormField, text: str) -> str:
    if field.type == "string" and "\n" in text:
        raise ValueError("one line only")
    low = int(field.min) if field.min is not None else 0
    high = min(int(field.max), LONGEST[field.type]) if field.max is not None else LONGEST[field.type]
    if not low <= len(text) <= high:
        raise ValueError(f"{len(text)} characters, where {low} to {high} fit")
    return text


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,15}", text):
        raise ValueError(f"{text} is not a whole number")
    return int(text)


_READ: Mapping[str, Callable[[str], Any]] = {"integer": _integer, "duration": parse_duration}


def _time(field: FormField, text: str, now: datetime) -> datetime:
    """A bare time of day is the next one where only what lies ahead fits, else the last one."""
    low = None if field.min is None else _bound(field, field.min, now)
    return read_moment(text, now, ahead=low is not None and low >= now)


def _bound(field: FormField, bound: int | str, now: datetime) -> Any:
    """A bound as a value to compare with. Raises ValueError."""
    if field.type in ("integer", *LONGEST):
        return _integer(str(bound))
    if field.type == "duration":
        return parse_duration(bound)
    if field.type == "choice":
        raise ValueError("a choice has no bounds")
    if str(bound).strip().lower() == "now":
        return now
    if length := _FROM_NOW.fullmatch(str(bound).strip()):
        return now + parse_duration(length[2]) * (1 if length[1] == "+" else -1)
    return read_moment(str(bound), now)


def _said(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return words(value) if isinstance(value, timedelta) else str(value)
