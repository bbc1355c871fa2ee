"""`/numbers`: how many incidents, and how long each phase took, as median and p90: over time, by severity, by service.

Belongs here: the page. Does not belong here: what is counted and how (measures.py), Prometheus' numbers of the process
(bot/metrics.py). Cancelled incidents are counted, not timed; drills stand apart. Private incidents are in the numbers
of those who may know of them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from aiohttp import web
from markupsafe import Markup

from bot.render import svg
from bot.web.measures import KEY, PERIODS, Measure, Spent, Spread, by_period, in_runs, spread, starts
from bot.web.site import Visit
from storage import incidents, phases
from storage.db import Tx
from storage.incidents import Incident

READ = 5000
MONTHS = ("3", "6", "12", "24")
# The longest of a chart -> the unit its axis is in, and that unit in seconds.
UNITS = ((timedelta(minutes=3), "s", 1), (timedelta(hours=3), "min", 60), (timedelta(days=3), "h", 3600))
Periods = Sequence[tuple[str, list[Incident]]]


async def show(visit: Visit) -> web.StreamResponse:
    """GET /numbers?severity=&service=&kind=real|drill&per=week|month|quarter&months="""
    query, policy = visit.request.query, visit.site.house.policy
    chosen = {name: query.get(name, "") for name in ("kind", "severity", "service", "per", "months")}
    chosen["kind"] = "drill" if chosen["kind"] == "drill" else "real"
    chosen["per"] = chosen["per"] if chosen["per"] in PERIODS else "month"
    chosen["months"] = chosen["months"] if chosen["months"] in MONTHS else "6"
    per, months = chosen["per"], int(chosen["months"])

    def read(tx: Tx) -> tuple[list[Incident], bool, Spent, datetime]:
        since = datetime.combine(starts(tx.now, per, months)[0], time.min, UTC)
        latest = incidents.latest(tx, limit=READ)
        seen = [one for one in latest if visit.sees(tx, one)]
        return seen, len(latest) < READ, phases.spent(tx, since), tx.now

    every, all_read, spent, now = await visit.site.db.read(read)
    periods = by_period([one for one in every if _fits(one, chosen)], now, per, months)
    within = [one for _, some in periods for one in some]
    timed = [one for one in within if one.status != "cancelled"]
    measures = [*KEY, *in_runs(spent)]
    known = [one for one in measures if any(one.took(each) is not None for each in timed)]
    filters = (
        ("kind", "Of", [("real", "real incidents"), ("drill", "drills")]),
        ("severity", "Severity", [("", "any"), *((name, name) for name in policy.severities)]),
        ("service", "Service", [("", "any"), *((name, one.title or name) for name, one in policy.services.items())]),
        ("per", "By", [(one, one) for one in PERIODS]),
        ("months", "Over", [(one, f"{one} months") for one in MONTHS]),
    )
    return visit.site.html(
        visit, "numbers.html", filters=filters, chosen=chosen, counts=_counts(within, periods, per),
        phases=[(one, spread(map(one.took, timed))) for one in measures],
        charts=[_chart(one, periods, per) for one in known], columns=known,
        severities=_by(timed, [*policy.severities], lambda one: one.severity, known),
        services=_by(timed, [*policy.services], lambda one: one.service or "", known), all_read=all_read,
    )  # fmt: skip


def _fits(one: Incident, chosen: dict[str, str]) -> bool:
    if (one.kind == "drill") != (chosen["kind"] == "drill"):
        return False
    return all(not chosen[name] or getattr(one, name) == chosen[name] for name in ("severity", "service"))


def _counts(within: Sequence[Incident], periods: Periods, per: str) -> dict[str, Any]:
    numbers: list[float | None] = [float(len(some)) for _, some in periods]
    labels = [name for name, _ in periods]
    return {
        "declared": len(within), "open": sum(one.open for one in within),
        "resolved": sum(one.status == "resolved" for one in within),
        "cancelled": sum(one.status == "cancelled" for one in within),
        "chart": svg.lines(f"Incidents declared, by {per}", labels, [("declared", numbers)], "incidents"),
        "rows": [(name, len(some)) for name, some in periods],
    }  # fmt: skip


def _chart(measure: Measure, periods: Periods, per: str) -> dict[str, Any]:
    """The picture of one phase, and the same as rows: period, spread."""
    rows = [(name, spread(map(measure.took, _timed(some)))) for name, some in periods]
    longest = max((one.p90 for _, one in rows if one.p90 is not None), default=timedelta(0))
    unit, size = next(((unit, size) for most, unit, size in UNITS if longest < most), ("days", 86_400))

    def values(of: Callable[[Spread], timedelta | None]) -> list[float | None]:
        lengths = [of(one) for _, one in rows]
        return [each.total_seconds() / size if each is not None else None for each in lengths]

    series = [("median", values(lambda one: one.median)), ("p90", values(lambda one: one.p90))]
    title = f"{measure.name}: {measure.what}, by {per}"
    picture: Markup = svg.lines(title, [name for name, _ in rows], series, unit)
    return {"name": measure.name, "title": title, "picture": picture, "rows": [row for row in rows if row[1].count]}


def _timed(some: Sequence[Incident]) -> list[Incident]:
    return [one for one in some if one.status != "cancelled"]


def _by(
    timed: Sequence[Incident], names: Sequence[str], of: Callable[[Incident], str], measures: Sequence[Measure]
) -> list[tuple[str, int, list[Spread]]]:
    """Per severity or service: how many, and each phase. Only those that had any."""
    found = []
    for name in [*names, *sorted({of(one) for one in timed} - set(names))]:
        some = [one for one in timed if of(one) == name]
        if some:
            found.append((name or "none named", len(some), [spread(map(one.took, some)) for one in measures]))
    return found
