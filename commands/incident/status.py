"""`/incident status`: how things stand, in one answer."""

from __future__ import annotations

from datetime import datetime

from commands.briefing import held
from commands.command import Call, Reply, command
from commands.places import InIncident, going_on
from commands.words import channel_of, clock, dot, esc, lasted, lines, name_of
from playbooks.durations import words as length_words
from playbooks.policy import Service
from storage import runs
from storage.incidents import Incident


@command("incident status", group="Look", place="incident", examples=("incident status", "incident status INC-42"))
class Status(InIncident):
    """Show how things stand"""

    def act(self, call: Call, seen: None) -> Reply:
        """From rows, as the board."""
        found = call.here
        text = lines(
            _head(call, found), held(call, found), _clocks(call, found), _update(call, found), _runs(call, found)
        )
        return Reply(text=text, data={"incident": found.id, "status": found.status, "severity": found.severity})


def _head(call: Call, found: Incident) -> str:
    mark = dot(call.house.policy, found.severity) if found.open else "⚪"
    until = f" until {clock(found.resolved_at, call.tx.now)}" if found.resolved_at else ""
    took = lasted((found.resolved_at or call.tx.now) - found.declared_at)
    since = f"since {clock(found.declared_at, call.tx.now)}{until} UTC ({took})"
    return f"{mark} {name_of(found)} · *{found.status}* · {since} · {channel_of(found)}"


def _clocks(call: Call, found: Incident) -> str:
    now, said = call.tx.now, []
    if service := call.house.policy.services.get(found.service or ""):
        said.append(_rto(service, found, now))
    if found.acknowledged_at:
        by = f" by {esc(call.house.directory.name(call.tx, found.acknowledged_by))}" if found.acknowledged_by else ""
        said.append(f"page acknowledged{by} {clock(found.acknowledged_at, now)}")
    elif found.facts.get("page"):
        said.append("page *not acknowledged*")
    return " · ".join(said)


def _rto(service: Service, found: Incident, now: datetime) -> str:
    """checkout (tier 1, RTO 15 min: *ends 14:14*)"""
    start = found.detected_at or found.declared_at
    named = f"{esc(service.name)} (tier {service.tier}, RTO {length_words(service.rto)}"
    if found.restored_at:
        return f"{named}): restored after {lasted(found.restored_at - start)}"
    ends = start + service.rto
    return f"{named}: *{'ended' if ends < now else 'ends'} {clock(ends, now)}*)"


def _update(call: Call, found: Incident) -> str:
    now = call.tx.now
    last = f"Last update {clock(found.latest_update_at, now)}" if found.latest_update_at else "No update yet"
    if not found.open or found.update_due_at is None:
        return last if found.latest_update_at else ""
    late = " ⚠️ overdue" if found.update_due_at < now else ""
    return f"{last}, next due *{clock(found.update_due_at, now)} UTC*{late}"


def _runs(call: Call, found: Incident) -> str:
    mine = [run for run in runs.of_incident(call.tx, found.id) if run.shown]
    live = [f"{run.id} {run.playbook} ({run.state})" for run in mine if going_on(run)]
    ended = [f"{run.id} {run.playbook} {run.state}" for run in mine if not going_on(run)]
    return f"Runs: {', '.join([*live, *ended[-3:]]) or 'none'}"
