"""The arithmetic of phases: median, p90 by nearest rank, weeks and quarters across a year's end, nothing guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from bot.web.measures import KEY, by_period, in_runs, spread, starts


def minutes(*given: float | None) -> list[timedelta | None]:
    return [timedelta(minutes=one) if one is not None else None for one in given]


@pytest.mark.parametrize(
    ("given", "count", "median", "p90"),
    [
        ((), 0, None, None),
        ((None, None), 0, None, None),
        ((5,), 1, 5, 5),
        ((10, None, 30), 2, 20, 30),
        ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 10, 5.5, 9),
        ((10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 100), 11, 6, 10),
    ],
)
def test_spread(given: Any, count: int, median: float | None, p90: float | None) -> None:
    found = spread(minutes(*given))
    assert (found.count, [found.median], [found.p90]) == (count, minutes(median), minutes(p90))


NEW_YEAR = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday, of 2026-W02


@pytest.mark.parametrize(
    ("per", "months", "wanted"),
    [
        ("week", 3, {"2025-W42": 0, "2025-W52": 1, "2026-W01": 2, "2026-W02": 1}),
        ("month", 3, {"2025-11": 0, "2025-12": 2, "2026-01": 2}),
        ("quarter", 6, {"2025-Q4": 3, "2026-Q1": 2}),
        ("quarter", 3, {"2026-Q1": 2}),
    ],
)
def test_periods_reach_over_the_year(per: str, months: int, wanted: dict[str, int]) -> None:
    def at(*given: int) -> Any:
        return SimpleNamespace(declared_at=datetime(*given, tzinfo=UTC))

    every = [at(2026, 1, 5), at(2026, 1, 4, 23, 59), at(2025, 12, 31, 23), at(2025, 12, 28, 23, 59), at(2025, 10, 1)]
    found = {name: len(some) for name, some in by_period(every, NEW_YEAR, per, months)}
    assert {name: found.get(name) for name in wanted} == wanted
    assert len(found) == {"week": 13, "month": 3, "quarter": months // 3}[per] and list(found) == sorted(found)


def test_no_week_is_left_out_in_two_years() -> None:
    every = starts(NEW_YEAR, "week", 24)
    assert len(every) == 104 and every[-1] == date(2026, 1, 5)
    assert {(after - before).days for before, after in pairwise(every)} == {7}


def test_a_phase_needs_both_its_times() -> None:
    took = {one.short: one.took for one in KEY}
    base = datetime(2026, 1, 1, tzinfo=UTC)
    names = ("detected_at", "declared_at", "acknowledged_at", "decided_at", "restored_at", "resolved_at")
    one: Any = SimpleNamespace(**dict.fromkeys(names), id="INC-1")
    one.declared_at, one.restored_at = base, base + timedelta(minutes=9)
    assert took["MTTR"](one) == timedelta(minutes=9), "from the declaration where nobody says when it began"
    assert [name for name, length in took.items() if length(one) is not None] == ["MTTR"]
    one.detected_at = base - timedelta(minutes=3)
    assert took["MTTR"](one) == timedelta(minutes=12) and took["Detect"](one) == timedelta(minutes=3)
    one.acknowledged_at = base - timedelta(minutes=1)
    assert took["MTTA"](one) is None, "times in the wrong order count for nothing"
    runs = in_runs({"INC-1": {"waiting": timedelta(minutes=4), "assess": timedelta(0)}})
    said = {each.short: each.took(one) for each in runs}
    assert said.pop("Waiting") == timedelta(minutes=4) and said.pop("steps: assess") == timedelta(0)
    left = ("detect", "decide", "execute", "verify", "communicate")
    assert said == {f"steps: {name}": None for name in left}, "every phase a playbook can name, and none guessed"
