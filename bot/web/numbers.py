"""`/numbers`: how many incidents, and how long people took, as median and p90 over time.

Belongs here: the arithmetic and its page. Does not belong here: Prometheus' numbers of the process (bot/metrics.py).
A phase is counted where both its times are on the record, never guessed; cancelled incidents are counted, not timed;
drills stand apart. Private incidents are in the numbers of those who may know of them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web
from markupsafe import Markup

from bot.render import svg
from bot.web.site import Visit
from storage import incidents
from storage.db import Tx
from storage.incidents import Incident

READ = 5000
Took = Callable[[Incident], timedelta | None]


def _between(first: Callable[[Incident], datetime | None], then: Callable[[Incident], datetime | None]) -> Took:
    def length(one: Incident) -> timedelta | None:
        start, end = first(one), then(one)
        return end - start if start is not None and end is not None and end >= start else None

    return length


def _began(one: Incident) -> datetime:
    return one.detected_at or one.declared_at


# Name, what it is from and to, how long an incident took.
PHASES: tuple[tuple[str, str, Took], ...] = (
    ("Detect", "detected to declared", _between(lambda i: i.detected_at, lambda i: i.declared_at)),
    ("Acknowledge (MTTA)", "declared to acknowledged", _between(lambda i: i.declared_at, lambda i: i.acknowledged_at)),
    ("Decide", "acknowledged to first approval", _between(lambda i: i.acknowledged_at, lambda i: i.decided_at)),
    ("Repair", "first approval to restored", _between(lambda i: i.decided_at, lambda i: i.restored_at)),
    ("Restore (MTTR)", "detected, else declared, to restored", _between(_began, lambda i: i.restored_at)),
    ("Close", "restored to resolved", _between(lambda i: i.restored_at, lambda i: i.resolved_at)),
    ("Resolve", "detected, else declared, to resolved", _between(_began, lambda i: i.resolved_at)),
)


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


def by_month(found: Sequence[Incident], now: datetime, months: int) -> list[tuple[str, list[Incident]]]:
    """The last months, oldest first, each with the incidents declared in it ("2026-11")."""
    names: list[str] = []
    year, month = now.year, now.month
    for _ in range(months):
        names.append(f"{year:04}-{month:02}")
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return [(name, [one for one in found if f"{one.declared_at:%Y-%m}" == name]) for name in reversed(names)]


async def show(visit: Visit) -> web.StreamResponse:
    """GET /numbers?severity=&service=&kind=real|drill&months="""
    query, policy = visit.request.query, visit.site.house.policy
    chosen = {name: query.get(name, "") for name in ("severity", "service", "kind", "months")}
    chosen["kind"] = "drill" if chosen["kind"] == "drill" else "real"
    chosen["months"] = chosen["months"] if chosen["months"] in ("3", "6", "12", "24") else "6"

    def read(tx: Tx) -> tuple[list[Incident], datetime]:
        return [one for one in incidents.latest(tx, limit=READ) if visit.sees(tx, one)], tx.now

    every, now = await visit.site.db.read(read)
    mine = [one for one in every if _fits(one, chosen)]
    months = by_month(mine, now, int(chosen["months"]))
    within = [one for _, some in months for one in some]
    timed = [one for one in within if one.status != "cancelled"]
    filters = (
        ("kind", "Of", [("real", "real incidents"), ("drill", "drills")]),
        ("severity", "Severity", [("", "any"), *((name, name) for name in policy.severities)]),
        ("service", "Service", [("", "any"), *((name, one.title or name) for name, one in policy.services.items())]),
        ("months", "Months", [(one, one) for one in ("3", "6", "12", "24")]),
    )
    phases = [(name, what, spread(map(took, timed))) for name, what, took in PHASES]
    return visit.site.html(
        visit, "numbers.html", filters=filters, chosen=chosen, phases=phases, counts=_counts(within, months),
        charts=[_chart(name, what, took, months) for name, what, took in PHASES if any(took(one) for one in timed)],
        severities=_by(timed, [*policy.severities], lambda one: one.severity),
        services=_by(timed, [*policy.services], lambda one: one.service or ""), total=len(within),
    )  # fmt: skip


def _fits(one: Incident, chosen: dict[str, str]) -> bool:
    if (one.kind == "drill") != (chosen["kind"] == "drill"):
        return False
    return all(not chosen[name] or getattr(one, name) == chosen[name] for name in ("severity", "service"))


def _counts(within: Sequence[Incident], months: Sequence[tuple[str, list[Incident]]]) -> dict[str, object]:
    numbers: list[float | None] = [float(len(some)) for _, some in months]
    labels = [name for name, _ in months]
    return {
        "declared": len(within), "open": sum(one.open for one in within),
        "resolved": sum(one.status == "resolved" for one in within),
        "cancelled": sum(one.status == "cancelled" for one in within),
        "chart": svg.lines("Incidents declared, by month", labels, [("declared", numbers)], "incidents"),
    }  # fmt: skip


def _chart(name: str, what: str, took: Took, months: Sequence[tuple[str, list[Incident]]]) -> tuple[str, Markup]:
    each = [spread(took(one) for one in some if one.status != "cancelled") for _, some in months]
    series = [("median", [_minutes(one.median) for one in each]), ("p90", [_minutes(one.p90) for one in each])]
    return name, svg.lines(f"{name}: {what}, by month", [label for label, _ in months], series, "min")


def _minutes(length: timedelta | None) -> float | None:
    return length.total_seconds() / 60 if length is not None else None


def _by(
    timed: Sequence[Incident], names: Sequence[str], of: Callable[[Incident], str]
) -> list[tuple[str, int, Spread, Spread, Spread]]:
    """Per severity or service: how many, MTTA, MTTR, time to resolve. Only those that had any."""
    took = {name: length for name, _, length in PHASES}
    found = []
    for name in [*names, *sorted({of(one) for one in timed} - set(names))]:
        some = [one for one in timed if of(one) == name]
        if some:
            three = (spread(map(took[which], some)) for which in ("Acknowledge (MTTA)", "Restore (MTTR)", "Resolve"))
            found.append((name or "none named", len(some), *three))
    return found  # type: ignore[return-value]
