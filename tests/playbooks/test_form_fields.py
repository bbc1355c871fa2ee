"""Typed fields: what may be written, bounds, and what is told about the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.errors import Refused
from playbooks.form_fields import FormField, read_field, read_form, read_moment

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def field(**more: Any) -> FormField:
    return FormField(**{"name": "x", **more})


@pytest.mark.parametrize(("more", "text", "value"), [
    ({}, " one ", "one"),
    ({"type": "text"}, "a\nb", "a\nb"),
    ({"type": "integer", "min": 0, "max": 9}, "9", 9),
    ({"type": "duration", "max": "4h"}, "150m", "2h30m"),
    ({"type": "choice", "choices": ("Level 1", "Level 2")}, "level 2", "Level 2"),
    ({"type": "time", "max": "now"}, "14:00", "2026-11-22T14:00:00+00:00"),
    ({"type": "time", "max": "now"}, "14:30", "2026-11-21T14:30:00+00:00"),
    ({"type": "time", "min": "now"}, "14:00", "2026-11-23T14:00:00+00:00"),
    ({"type": "time", "min": "-7d"}, "2026-11-16T00:00+01:00", "2026-11-15T23:00:00+00:00"),
])  # fmt: skip
def test_what_is_written_becomes_a_value(more: dict[str, Any], text: str, value: Any) -> None:
    assert read_field(field(**more), text, NOW) == value


@pytest.mark.parametrize(("more", "text", "why"), [
    ({}, "a\nb", "one line only"),
    ({"max": 3}, "four", "4 characters, where 0 to 3 fit"),
    ({"type": "integer"}, "3.5", "3.5 is not a whole number"),
    ({"type": "integer", "max": 9}, "12", "12, where it must be at most 9"),
    ({"type": "duration", "min": "1h"}, "5m", "5 min, where it must be at least 1 h"),
    ({"type": "choice", "choices": ("a", "b")}, "c", "c is not one of a, b"),
    ({"type": "time"}, "25:00", "25:00 is no time of day"),
    ({"type": "time"}, "soon", "soon is no time"),
    ({"type": "time", "min": "-7d"}, "2026-11-01T00:00Z", "must be at least 2026-11-15 14:05 UTC"),
])  # fmt: skip
def test_what_is_wrong_is_said(more: dict[str, Any], text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_field(field(**more), text, NOW)


def test_a_whole_form_names_everything_at_once() -> None:
    fields = [field(name="nodes", type="integer"), field(name="when", type="time"), field(name="note", required=False)]
    assert read_form(fields, {"nodes": "3", "when": "14:00"}, NOW) == {
        "nodes": 3, "when": "2026-11-22T14:00:00+00:00", "note": None,
    }  # fmt: skip
    with pytest.raises(Refused) as refused:
        read_form(fields, {"nodes": "x", "wen": "14:00"}, NOW)
    for words in (
        "**nodes**: x is not",
        "**when**: it is needed",
        "**wen**: there is no such field, did you mean when",
    ):
        assert words in str(refused.value)


@pytest.mark.parametrize("more", [
    {"type": "choice"}, {"choices": ("a",)}, {"type": "integer", "min": "soon"}, {"name": "step"}, {"name": "texts"},
    {"name": "Upper"}, {"type": "choice", "choices": ("a",), "max": 3}, {"type": "time", "max": "-7 potatoes"},
])  # fmt: skip
def test_a_field_that_cannot_work_is_refused_at_load(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        field(**more)


def test_hints_say_what_may_be_written() -> None:
    assert field(type="integer", min=1, max=9).hint() == "a whole number, 1 to 9"
    assert field(max=3, required=False).hint() == "one line, up to 3 characters; may be left out"
    assert "up to now" in field(type="time", max="now").hint() and field(name="restore_to").title == "Restore to"


def test_a_bare_time_is_the_last_one_or_the_next() -> None:
    assert read_moment("14:05", NOW) == NOW and read_moment("14:05", NOW, ahead=True).day == 23
