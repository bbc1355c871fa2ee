"""How long the runs of incidents were at work in each phase, and how long they waited for approval.

Belongs here: that reading, from step and approval rows. Does not belong here: medians and pages (bot/web/numbers.py),
the times of an incident itself (incident_rows.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select

from storage.db import Tx
from storage.tables import approvals, runs, steps

WAITING = "waiting"
Span = tuple[datetime, datetime]


def spent(tx: Tx, since: datetime) -> dict[str, dict[str, timedelta]]:
    """Incident -> phase -> time in which at least one of its ended steps of that phase ran; `WAITING`: for approval.

    Of runs asked for since then. A step counts from the start of its last attempt to its end; steps side by side count
    once. A wait counts from the request to its last answer; what still runs or waits does not count yet.
    """
    mine = (runs.c.incident.is_not(None), runs.c.created_at >= since)
    worked = select(runs.c.incident, steps.c.phase, steps.c.started_at, steps.c.ended_at).join(
        runs, runs.c.id == steps.c.run
    )
    worked = worked.where(
        *mine, steps.c.phase.is_not(None), steps.c.started_at.is_not(None), steps.c.ended_at.is_not(None)
    )
    waited = select(runs.c.incident, approvals.c.opened_at, approvals.c.decided_at).join(
        runs, runs.c.id == approvals.c.run
    )
    waited = waited.where(*mine, approvals.c.decided_at.is_not(None))
    spans: dict[str, dict[str, list[Span]]] = {}
    for incident, phase, start, end in tx.conn.execute(worked):
        spans.setdefault(incident, {}).setdefault(phase, []).append((start, end))
    for incident, start, end in tx.conn.execute(waited):
        spans.setdefault(incident, {}).setdefault(WAITING, []).append((start, end))
    return {one: {phase: covered(each) for phase, each in phases.items()} for one, phases in spans.items()}


def covered(spans: Iterable[Span]) -> timedelta:
    """How long at least one of them lasted."""
    total = timedelta(0)
    until: datetime | None = None
    for start, end in sorted(spans):
        begin = start if until is None else max(start, until)
        if end > begin:
            total += end - begin
            until = end
    return total
