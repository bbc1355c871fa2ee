"""The arithmetic of `/numbers`: how long each phase of an incident took, medians and p90, weeks, months and quarters.

Belongs here: what is counted and how. Does not belong here: the page (numbers.py), reading rows (storage/phases.py).
A phase is counted where both its times are on the record, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import get_args

from playbooks.engine.written import Phase
from storage.incidents import Incident
from storage.phases import WAITING

Took = Callable[[Incident], timedelta | None]
Spent = Mapping[str, Mapping[str, timedelta]]  # incident -> phase of its runs -> how long
PERIODS = {"week": 52 / 12, "month": 1.0, "quarter": 1 / 3}  # how many make a month


@dataclass(frozen=True)
class Measure:
    """One phase. name, short: in full and above a column; what: from what to what; took: how long in an incident."""

    name: str
    short: str
    what: str
    took: Took


def _between(first: Callable[[Incident], datetime | None], then: Callable[[Incident], datetime | None]) -> Took:
    def length(one: Incident) -> timedelta | None:
        start, end = first(one), then(one)
        return end - start if start is not None and end is not None and end >= start else None

    return length


def _began(one: Incident) -> datetime:
    return one.detected_at or one.declared_at


# From one key time of the incident to another.
KEY: tuple[Measure, ...] = (
    Measure("Detect", "Detect", "detected to declared", _between(lambda i: i.detected_at, lambda i: i.declared_at)),
    Measure("Acknowledge (MTTA)", "MTTA", "declared to acknowledged",
            _between(lambda i: i.declared_at, lambda i: i.acknowledged_at)),
    Measure("Decide", "Decide", "acknowledged to first approval",
            _between(lambda i: i.acknowledged_at, lambda i: i.decided_at)),
    Measure("Repair", "Repair", "first approval to restored",
            _between(lambda i: i.decided_at, lambda i: i.restored_at)),
    Measure("Restore (MTTR)", "MTTR", "detected, else declared, to restored",
            _between(_began, lambda i: i.restored_at)),
    Measure("Close", "Close", "restored to resolved", _between(lambda i: i.restored_at, lambda i: i.resolved_at)),
    Measure("Resolve", "Resolve", "detected, else declared, to resolved", _between(_began, lambda i: i.resolved_at)),
)  # fmt: skip


def in_runs(spent: Spent) -> tuple[Measure, ...]:
    """Waiting for approval, and the phases that steps of playbooks name."""

    def of(phase: str) -> Took:
        return lambda one: spent.get(one.id, {}).get(phase)

    waits = Measure("Waiting for approval", "Waiting", "asked for to answered, in all its runs", of(WAITING))
    named = (
        Measure(f"Steps: {one}", f"steps: {one}", f"steps of phase “{one}” at work, in all its runs", of(one))
        for one in get_args(Phase)
    )
    return waits, *named


@dataclass(frozen=True)
class Spread:
    """Median and p90 of `count` lengths; both None without any."""

    count: int
    median: timedelta | None
    p90: timedelta | None


def spread(lengths: Iterable[timedelta | None]) -> Spread:
    """Of what is known. p90 by nearest rank: nine of ten took no longer."""
    known = sorted(one for one in lengths if one is not None)
    if not known:
        return Spread(0, None, None)
    middle = len(known) // 2
    median = known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
    return Spread(len(known), median, known[-(-9 * len(known) // 10) - 1])


def begins(per: str, day: date) -> date:
    """The first day of the week (Monday), month or quarter a day is in."""
    if per == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1, month=day.month if per == "month" else 3 * ((day.month - 1) // 3) + 1)


def called(per: str, first: date) -> str:
    """ "2026-W47", "2026-11" or "2026-Q4" by its first day."""
    if per == "week":
        year, week, _ = first.isocalendar()
        return f"{year:04}-W{week:02}"
    return f"{first:%Y-%m}" if per == "month" else f"{first.year:04}-Q{(first.month + 2) // 3}"


def starts(now: datetime, per: str, months: int) -> list[date]:
    """First days of the last periods, oldest first, with the one that is going on: as many as fit into these months."""
    found = [begins(per, now.astimezone(UTC).date())]
    for _ in range(round(months * PERIODS[per]) - 1):
        found.append(begins(per, found[-1] - timedelta(days=1)))
    return found[::-1]


def by_period(every: Sequence[Incident], now: datetime, per: str, months: int) -> list[tuple[str, list[Incident]]]:
    """The periods, oldest first, each with the incidents declared in it (UTC)."""
    found: dict[date, list[Incident]] = {first: [] for first in starts(now, per, months)}
    for one in every:
        first = begins(per, one.declared_at.astimezone(UTC).date())
        if first in found:
            found[first].append(one)
    return [(called(per, first), some) for first, some in found.items()]
