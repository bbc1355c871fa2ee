"""What the cards are drawn from: one snapshot of an incident's or run's rows, read in one transaction.

Belongs here: reading for pictures. Does not belong here: layout (one file per card), writing anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.render.blocks import escape, hm, person
from playbooks.durations import words
from playbooks.engine.leftovers import leftovers
from playbooks.policy import Policy, Service
from storage import (
    cards,
    clocks,
    followups,
    impact,
    incidents,
    proposals,
    reviews,
    runs,
    standing,
    tables,
    tasks,
    timers,
)
from storage.clocks import LegalClock
from storage.db import Tx
from storage.followups import FollowUp
from storage.impact import Impact
from storage.incidents import Incident, RoleHeld
from storage.reviews import Review
from storage.runs import Approval, Run, Step
from storage.standing import Link
from storage.tasks import Task

DOTS = ("🔴", "🟠", "🟡", "🔵")
ENDED = ("succeeded", "incomplete", "aborted")
NOTHING = Impact()
SPOKEN_OF = ("pagerduty.trigger", "pagerduty.escalate", "statuspage.create", "slack.open_channel")


@dataclass(frozen=True)
class Around:
    """What every card may say: the policy, Muster's address, database time, and the names of people (escaped)."""

    policy: Policy
    url: str
    now: datetime
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, id: str | None) -> str:
        """A person as people call them, bold-ready; "—" for nobody."""
        return self.names.get(id, escape(id)) if id else "—"

    def service(self, name: str | None) -> Service | None:
        """A service of the policy, if it still has it."""
        return self.policy.services.get(name) if name else None

    def dot(self, severity: str) -> str:
        """The colour of a severity: its place in the policy."""
        known = list(self.policy.severities)
        return DOTS[min(known.index(severity), 3)] if severity in known else "⚪"

    def at(self, time: datetime | None) -> str:
        """`14:02`, with the day when it is not today's."""
        return hm(time, self.now)


@dataclass(frozen=True)
class IncidentFacts:
    """An incident with what its board shows.

    runs: those people see; approvals: the live ones; leftovers: steps whose change nobody took back or accepted;
    doing: the latest step of Muster's own playbooks per action that the board speaks of ("pagerduty.trigger");
    reviews: what one person decided alone and nobody has looked at yet; tasks: those that wait to be done; impact,
    clocks and followups: as people said; held: whether an update of the status page waits for a second person;
    drafted: whether one was prepared for it; escalates_at: when the next layer is called unless somebody has the page.
    """

    incident: Incident
    roles: tuple[RoleHeld, ...]
    runs: tuple[Run, ...]
    approvals: tuple[Approval, ...]
    leftovers: tuple[Step, ...]
    doing: Mapping[str, Step]
    reviews: tuple[Review, ...] = ()
    tasks: tuple[Task, ...] = ()
    impact: Impact = NOTHING
    clocks: tuple[LegalClock, ...] = ()
    followups: tuple[FollowUp, ...] = ()
    held: bool = False
    links: tuple[Link, ...] = ()
    drafted: bool = False
    escalates_at: datetime | None = None


def names(tx: Tx, ids: Iterable[str | None]) -> dict[str, str]:
    """Person ids -> names, escaped for a line of ours."""
    wanted = {id for id in ids if id}
    if not wanted:
        return {}
    query = select(tables.people.c.id, tables.people.c.name).where(tables.people.c.id.in_(wanted))
    found = {row.id: person(row.name, 60) for row in tx.conn.execute(query) if row.name}
    return {id: found.get(id) or escape(id) for id in wanted}


def incident_facts(tx: Tx, id: str, policy: Policy) -> IncidentFacts | None:
    """All of it, or None when there is no such incident."""
    found = incidents.get(tx, id)
    if found is None:
        return None
    every = runs.of_incident(tx, id)
    asked = [one for run in every for one in runs.approvals_of(tx, run.id) if one.state in ("open", "granted")]
    steps = [step for run in every for step in runs.steps_of(tx, run.id)]
    left = leftovers(tx, steps, policy)
    doing = {step.uses: step for step in steps if step.uses in SPOKEN_OF}
    shown = tuple(run for run in every if run.shown)
    alone = tuple(reviews.open_of_incident(tx, id))
    worn = tuple(incidents.roles_of(tx, id))
    to_do = tuple(task for task in tasks.of_incident(tx, id) if task.open)
    return IncidentFacts(
        found, worn, shown, tuple(asked), tuple(left), doing, alone, to_do, impact.of_incident(tx, id),
        tuple(clocks.of_incident(tx, id)), tuple(followups.of_incident(tx, id)),
        held=proposals.held(tx, id), links=tuple(standing.links(tx, id)),
        drafted=cards.get(tx, "status_page", id) is not None, escalates_at=timers.escalates_at(tx, id),
    )  # fmt: skip


def took(length: timedelta | None) -> str:
    """`0.4 s` below ten seconds, then in whole words; "" where there is nothing to say."""
    if length is None:
        return ""
    seconds = max(0.0, length.total_seconds())
    return f"{seconds:.1f} s" if seconds < 10 else words(timedelta(seconds=round(seconds)))


def rto_line(around: Around, incident: Incident) -> str:
    """`checkout (tier 1, RTO 15 min: *ends 14:14*)`: a fixed time, so that the card need not tick."""
    service = around.service(incident.service)
    if service is None:
        return person(incident.service, 60) if incident.service else "none named"
    start = incident.detected_at or incident.declared_at
    if incident.restored_at:
        used = took(incident.restored_at - start)
        kept = "✅" if incident.restored_at - start <= service.rto else "❌"
        clock = f"restored {around.at(incident.restored_at)} after {used} {kept}"
    elif not incident.open:
        clock = "when it was restored is not recorded"
    else:
        clock = f"*ends {around.at(start + service.rto)}*"
    return f"{escape(service.title or service.name)} (tier {service.tier}, RTO {words(service.rto)}: {clock})"


def counts(states: Sequence[str]) -> str:
    """`2 running, 1 waiting`, in order of first appearance."""
    order = list(dict.fromkeys(states))
    return ", ".join(f"{states.count(state)} {state}" for state in order)


def text_of(value: Any) -> str:
    """A fact as text, or ""."""
    return str(value) if value not in (None, "") else ""
