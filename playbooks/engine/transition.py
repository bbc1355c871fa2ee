"""The only writer of run, step and approval statuses.

One call = one set of moves + their timeline events, in the caller's transaction: the run row is locked first, every
move is checked against the table and against what the row says now, the run's revision rises, cards are asked to be
redrawn. With a `fence` it refuses to write for a replica that lost the run (`Fenced`).
Lock order, everywhere: run, step, approval, ask, stream head last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete

from playbooks.action import UNDOES
from playbooks.engine import moves
from playbooks.engine.placing import move
from playbooks.engine.spending import ends
from storage import anchors, cards, incidents, timeline, timers
from storage import runs as rows
from storage.db import Tx
from storage.sql import change
from storage.tables import approvals, locks, runs
from storage.tables import steps as steps_table
from storage.timeline import Entry


class Fenced(Exception):
    """Another replica holds the run now: what this one wanted to write is not written."""


@dataclass
class Changes:
    """What is to be written: statuses (with other columns of the same row), events in order, facts for the incident.

    placed: by step, the service and site of a verified move.
    """

    run: dict[str, Any] = field(default_factory=dict)
    steps: dict[int, dict[str, Any]] = field(default_factory=dict)
    approvals: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[Entry] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    placed: dict[int, dict[str, Any]] = field(default_factory=dict)
    unlock: bool = False

    def event(self, type: str, actor: str = "muster", *, texts: Mapping[str, str] | None = None, **body: Any) -> None:
        """Add a timeline event; `texts` are words a person typed."""
        self.events.append(Entry(type, actor, body, texts or {}))

    def add(self, more: Changes) -> None:
        """Put what `more` says behind what is said already; of a step both speak of, `more` has the last word."""
        self.run |= more.run
        for idx, values in more.steps.items():
            self.steps[idx] = {**self.steps.get(idx, {}), **values}
        for id, values in more.approvals.items():
            self.approvals[id] = {**self.approvals.get(id, {}), **values}
        self.events += more.events
        self.facts |= more.facts
        self.placed |= more.placed
        self.unlock = self.unlock or more.unlock

    def told(
        self, type: str, step: rows.Step, actor: str = "muster", *, texts: Mapping[str, str] | None = None, **body: Any
    ) -> None:
        """Add an event about one step: run, number, id, action and attempt are said every time."""
        about = {"run": step.run, "step": step.idx, "id": step.id, "uses": step.uses, "attempt": step.attempt}
        self.events.append(Entry(type, actor, {**about, **body}, texts or {}))


@dataclass(frozen=True)
class Fence:
    """Who believes to hold the run, with which fencing number."""

    owner: str
    number: int


def lock(tx: Tx, run: str, fence: Fence | None = None, *, outcome: bool = False) -> rows.Run:
    """Lock the run's row. Raises Fenced when the fence is old or its lease ran out, LookupError when there is no run.

    outcome: a known outcome is written even when the lease ran out, as long as nobody else took the run.
    """
    found = rows.get(tx, run, lock=True)
    if found is None:
        raise LookupError(f"no run {run}")
    if fence is None:
        tx.hint("runs")  # whoever holds it must look; the holder itself knows what it wrote
    else:
        held = found.lease_owner == fence.owner and found.fence == fence.number
        expired = found.lease_until is None or found.lease_until < tx.now
        if not held or (expired and not outcome):
            raise Fenced(f"{run} is held by {found.lease_owner} with fence {found.fence}")
    return found


def transition(tx: Tx, run: rows.Run, changes: Changes, steps: Sequence[rows.Step] = ()) -> list[int]:
    """Write the changes of a run locked in this transaction; returns the numbers of the events written.

    steps: the run's steps as read since the lock, where the caller has them; else they are read here.
    """
    _move_run(tx, run, changes.run)
    known = (steps or rows.steps_of(tx, run.id)) if changes.steps else ()
    before = {step.idx: step for step in known}
    for idx, values in changes.steps.items():
        if values.get("state") in moves.STEP_BAD and any(step.approval for step in known):
            end_stage(tx, before[idx], changes, f"step {idx} {values['state']}")
    for idx, values in changes.steps.items():
        _move_step(tx, before[idx], values)
    for id, values in changes.approvals.items():
        _move_approval(tx, id, values)
    if changes.unlock or changes.run.get("state") in moves.RUN_ENDED:
        tx.conn.execute(delete(locks).where(locks.c.run == run.id))
    if changes.facts and run.incident:
        incidents.set_facts(tx, run.incident, changes.facts)
    for idx, placed in changes.placed.items():
        moved = move(tx, run, idx, placed)
        changes.event("service.moved", service=moved.service, site=moved.site, was=moved.was, run=run.id, step=idx)
    _redraw(tx, run, changes)
    return timeline.append(tx, run.stream, *changes.events)


def end_stage(tx: Tx, step: rows.Step, changes: Changes, why: str) -> None:
    """What people agreed to for the rest of a stage counts no more once a step of it went wrong or is left out."""
    for asked in rows.approvals_of(tx, step.run):
        state = changes.approvals.get(asked.id, {}).get("state", asked.state)
        if state in moves.APPROVAL_LIVE and asked.state in moves.APPROVAL_LIVE and ends(asked, step):
            changes.approvals[asked.id] = {**changes.approvals.get(asked.id, {}), "state": "void", "reason": why}
            changes.event("approval.void", approval=asked.id, run=step.run, step=step.idx, why=why)


def _move_run(tx: Tx, run: rows.Run, values: dict[str, Any]) -> None:
    after = values.get("state", run.state)
    if after != run.state:
        moves.check("run", run.state, after)
        if after in moves.RUN_ENDED:
            values |= {"ended_at": tx.now, "lease_owner": None, "lease_until": None, "ready_at": None}
    change(tx, runs, {"id": run.id}, values, bump="revision")
    if after != run.state and (after in moves.RUN_ENDED or after == "paused"):
        timers.now(tx, run.id)  # who asked hears at once


def _move_step(tx: Tx, step: rows.Step, values: dict[str, Any]) -> None:
    after = values.get("state", step.state)
    if after != step.state:
        moves.check("step", step.state, after)
        if after in moves.STEP_ENDED:
            values.setdefault("ended_at", tx.now)
            values.setdefault("wake_at", None)
    change(tx, steps_table, {"run": step.run, "idx": step.idx, "state": step.state}, values)


def _move_approval(tx: Tx, id: str, values: dict[str, Any]) -> None:
    found = rows.approval(tx, id)
    assert found is not None
    after = values.get("state", found.state)
    if after != found.state:
        moves.check("approval", found.state, after)
        if after not in moves.APPROVAL_LIVE:
            values.setdefault("decided_at", tx.now)
        if after == "granted":
            anchors.now(tx, found.run.rpartition("/")[0])  # what people agreed to must not be rewritten later
        if found.state == "open" and found.paged:
            timers.set(tx, "answered", id, tx.now)  # nobody needs to be woken for it any more
    change(tx, approvals, {"id": id}, values)
    cards.want(tx, "approval", id, found.run.rpartition("/")[0])


def _redraw(tx: Tx, run: rows.Run, changes: Changes) -> None:
    ended = changes.run.get("state") in moves.RUN_ENDED and run.playbook.startswith(UNDOES)
    if ended and (origin := rows.undone_by(tx, run.id)):
        cards.want(tx, "run", origin, run.stream)
    if run.shown:
        cards.want(tx, "run", run.id, run.stream)
    if run.incident and (changes.run or changes.approvals or changes.facts):
        cards.want(tx, "board", run.incident, run.stream)
    for idx, values in changes.steps.items():
        if "question" in values or "answer" in values:
            cards.want(tx, "question", f"{run.id}#{idx}", run.stream)
