"""The arithmetic of phases: median, p90 by nearest rank, months across a year's end, nothing guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.web.numbers import PHASES, by_month, spread


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


def test_months_reach_over_the_year() -> None:
    def at(*date: int) -> Any:
        return SimpleNamespace(declared_at=datetime(*date, tzinfo=UTC))

    found = by_month([at(2026, 1, 3), at(2025, 12, 31, 23), at(2025, 10, 1)], datetime(2026, 1, 5, tzinfo=UTC), 3)
    assert [(name, len(some)) for name, some in found] == [("2025-11", 0), ("2025-12", 1), ("2026-01", 1)]


def test_a_phase_needs_both_its_times() -> None:
    took = {name: length for name, _, length in PHASES}
    base = datetime(2026, 1, 1, tzinfo=UTC)
    names = ("detected_at", "declared_at", "acknowledged_at", "decided_at", "restored_at", "resolved_at")
    one: Any = SimpleNamespace(**dict.fromkeys(names), id="INC-1")
    one.declared_at, one.restored_at = base, base + timedelta(minutes=9)
    assert took["Restore (MTTR)"](one) == timedelta(minutes=9), "from the declaration where nobody says when it began"
    assert [name for name, _, length in PHASES if length(one) is not None] == ["Restore (MTTR)"]
    one.detected_at = base - timedelta(minutes=3)
    assert took["Restore (MTTR)"](one) == timedelta(minutes=12) and took["Detect"](one) == timedelta(minutes=3)
    one.acknowledged_at = base - timedelta(minutes=1)
    assert took["Acknowledge (MTTA)"](one) is None, "times in the wrong order count for nothing"
