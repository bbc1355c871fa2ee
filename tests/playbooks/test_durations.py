"""Lengths of time: what people write comes back as they meant it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from playbooks.durations import Duration, compact, parse_duration, words


class _Holder(BaseModel):
    within: Duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("15m", 900),
        ("4h", 14_400),
        ("1d", 86_400),
        ("2h30m", 9_000),
        ("0s", 0),
        ("500ms", 0.5),
        ("1.5h", 5_400),
        ("2h 30m", 9_000),
        ("1W", 604_800),
    ],
)
def test_what_people_write(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "15", 15, 15.0, True, None, "m", "15 minutes", "30m2h", "1h1h", "-5m", "5m!", "99999d"]
)
def test_what_is_no_duration(value: object) -> None:
    with pytest.raises(ValueError):
        parse_duration(value)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (30, "30 s"),
        (900, "15 min"),
        (542, "9 min 2 s"),
        (9_000, "2 h 30 min"),
        (86_400, "1 day"),
        (270_000, "3 days 3 h"),
        (-90, "-1 min 30 s"),
    ],
)
def test_words(seconds: float, said: str) -> None:
    assert words(timedelta(seconds=seconds)) == said


@given(st.integers(min_value=0, max_value=10 * 365 * 86_400_000))
def test_compact_reads_back(milliseconds: int) -> None:
    length = timedelta(milliseconds=milliseconds)
    assert parse_duration(compact(length)) == length


def test_json_keeps_it_short() -> None:
    assert _Holder(within=parse_duration("90m")).model_dump(mode="json") == {"within": "1h30m"}
