"""How an incident stands, for somebody who was not there: what is known, who does what, what was tried, what waits.

Belongs here: those lines, from rows. Does not belong here: who asks for them (`/incident catchup`, `/incident shift`).
"""

from __future__ import annotations

from commands.command import Call
from commands.events import say
from commands.places import ENDED, going_on
from commands.tasking import said
from commands.words import clock, cut, esc, lasted
from storage import incidents, runs, tasks, timeline
from storage.incidents import Incident
from storage.runs import Run

# What people decided and saw; what Muster did for itself is left out.
TOLD = (
    "incident.severity", "incident.level", "incident.note", "incident.time", "incident.update", "incident.acknowledged",
    "incident.role", "incident.reopened", "approval.granted", "approval.denied", "alert.resolved", "alert.escalated",
)  # fmt: skip
UNDER_WAY = ("failed", "unknown", "asking", "held", "parked", "started", "done")
NOTED, TRIED, TO_DO = 6, 6, 6
MOST = 220


def brief(call: Call, found: Incident) -> list[str]:
    """One line each, the most important first."""
    parts = [_said(call, found), *_tried(call, found), *_waits(call, found), *_to_do(call, found), *_noted(call, found)]
    return [part for part in parts if part]


def held(call: Call, found: Incident) -> str:
    """Incident commander *Ben* (interim) · Comms lead —"""
    worn, parts = incidents.roles(call.tx, found.id), []
    for name, role in call.house.policy.roles.items():
        one = worn.get(name)
        who = f"*{esc(call.house.directory.name(call.tx, one.person))}*" if one else "—"
        parts.append(f"{esc(role.title)} {who}{' (interim)' if one and one.interim else ''}")
    return " · ".join(parts)


def _said(call: Call, found: Incident) -> str:
    if not found.latest_update or not found.latest_update_at:
        return "Told to people: nothing yet."
    at = clock(found.latest_update_at, call.tx.now)
    return f"Told to people {at}: {esc(cut(' '.join(found.latest_update.split()), 400))}"


def _tried(call: Call, found: Incident) -> list[str]:
    """Runs people asked for that have ended, newest last."""
    over = [run for run in runs.of_incident(call.tx, found.id) if run.shown and run.state in ENDED]
    return [f"Tried: *{run.playbook}* ({run.id}) {_outcome(call, run)}" for run in over[-TRIED:]]


def _outcome(call: Call, run: Run) -> str:
    steps = runs.steps_of(call.tx, run.id)
    bad = next((step for step in steps if step.state in ("failed", "uncertain", "unknown")), None)
    at = f" {clock(run.ended_at, call.tx.now)}" if run.ended_at else ""
    why = f", step {bad.idx} {bad.uses}: {esc(cut(bad.error or bad.state, 150))}" if bad else ""
    return f"{'✅' if run.state == 'succeeded' else '⚠️'} {run.state}{at}{why}"


def _waits(call: Call, found: Incident) -> list[str]:
    """Runs under way: for whom or what they wait."""
    said_ = []
    for run in (one for one in runs.of_incident(call.tx, found.id) if one.shown and going_on(one)):
        asked = next((one for one in runs.approvals_of(call.tx, run.id) if one.state == "open"), None)
        step = next(
            (one for one in runs.steps_of(call.tx, run.id) if one.state in ("failed", "parked", "started")), None
        )
        what = run.state
        if asked:
            what = f"waits for approval of step {asked.idx} until {clock(asked.expires_at, call.tx.now)}"
        elif step:
            what = f"{run.state} at step {step.idx} {step.uses}"
        said_.append(f"Waits: *{run.playbook}* ({run.id}) {what}")
    return said_


def _to_do(call: Call, found: Incident) -> list[str]:
    waiting = [one for one in tasks.of_incident(call.tx, found.id) if one.open]
    more = [f"… and {len(waiting) - TO_DO} more: `/incident tasks`"] if len(waiting) > TO_DO else []
    return [*(said(call.tx, one) for one in waiting[:TO_DO]), *more]


def _noted(call: Call, found: Incident) -> list[str]:
    """The last things people said and decided, with how long ago."""
    events = timeline.read(call.tx, found.id, types=TOLD)[-NOTED:]
    names = lambda person: call.house.directory.name(call.tx, person)  # noqa: E731
    now = call.tx.now
    return [f"[{one.seq}] {lasted(now - one.when)} ago: {cut(say(one, names), MOST)}" for one in events]
