"""What happened when, as lanes over time: key times with the phases between them, runs, approvals, updates.

Belongs here: which bars and moments there are, from rows and events. Does not belong here: drawing them (svg.py,
post_mortem_pdf.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from markupsafe import Markup

from bot.render import svg
from bot.render.svg import Bar, Lane
from storage import incidents, runs, timeline
from storage.db import Tx

MOST = 30


@dataclass(frozen=True)
class Chart:
    """Lanes between two times."""

    title: str
    lanes: tuple[Lane, ...]
    start: datetime
    end: datetime

    def svg(self) -> Markup:
        """The picture, with its words for who cannot see it."""
        return svg.over_time(self.title, self.lanes, self.start, self.end)


def read(tx: Tx, incident: str) -> Chart | None:
    """From one snapshot; None when there is no such incident."""
    one = incidents.get(tx, incident)
    if one is None:
        return None
    times = (
        ("detected", one.detected_at), ("declared", one.declared_at), ("acknowledged", one.acknowledged_at),
        ("decided", one.decided_at), ("restored", one.restored_at), ("ended", one.resolved_at),
    )  # fmt: skip
    known = sorted([(at, name) for name, at in times if at is not None])
    phases = tuple(
        Bar(was, until, "bar-wait", f"{first} {was:%H:%M:%S} to {then} {until:%H:%M:%S}")
        for (was, first), (until, then) in pairwise(known)
    )
    lanes = [Lane("Key times", phases, tuple((at, f"{name} {at:%H:%M:%S}") for at, name in known))]
    every = [run for run in runs.of_incident(tx, incident) if run.shown][:MOST]
    ends = [known[-1][0]] + [run.ended_at for run in every if run.ended_at]
    end = max(ends) if not one.open else tx.now
    for run in every:
        until = run.ended_at or end
        kind = "bar" if run.state in ("succeeded", "running", "waiting") else "bar-bad"
        said = f"{run.playbook} {run.state}, {run.created_at:%H:%M:%S} to {until:%H:%M:%S}"
        lanes.append(Lane(f"{run.id} {run.playbook.rpartition('/')[2]}", (Bar(run.created_at, until, kind, said),)))
        waits = tuple(
            Bar(each.opened_at, each.decided_at or end, "bar-wait", f"approval {each.state}, {each.opened_at:%H:%M:%S}")
            for each in runs.approvals_of(tx, run.id)
        )
        if waits:
            lanes.append(Lane("… waits for approval", waits))
    told = [(e.when, f"update {e.when:%H:%M:%S}") for e in timeline.read(tx, incident, types=("incident.update",))]
    lanes.append(Lane("Updates", (), tuple(told)))
    return Chart(f"{one.id} over time", tuple(lanes), known[0][0], end)
