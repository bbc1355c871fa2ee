"""What people ask of the engine: start a run, pause, resume, retry, skip, abort.

Plain functions inside the asker's transaction. Each writes who asked and why. Voting is in voting.py, answers to
questions are in answering.py.
Raises Refused, with words, for what cannot be done; nothing is changed then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from playbooks.action import Risk
from playbooks.directory import Person
from playbooks.engine import moves
from playbooks.engine.addressed import check_addressed
from playbooks.engine.asking import void
from playbooks.engine.driver import abort as end_aborted
from playbooks.engine.engine import Engine
from playbooks.engine.meant import chosen, go_on, running
from playbooks.engine.model import Playbook
from playbooks.engine.paging import answered
from playbooks.engine.starting import write_run
from playbooks.engine.transition import Changes, end_stage, transition
from playbooks.engine.voting import Said, revoke, vote
from playbooks.errors import Refused
from storage import incident_rows, runs
from storage.db import Tx
from storage.runs import Run, Step

# How notes of steps begin that Muster itself skipped for what an earlier step did not give (held.py `why_not`).
SKIPPED_FOR = ("its condition does not hold", "it needs step")

__all__ = [
    "Said",
    "abort",
    "calls_answered",
    "pause",
    "resume",
    "retry",
    "revoke",
    "skip",
    "start_run",
    "vote",
]


def start_run(
    tx: Tx,
    engine: Engine,
    *,
    playbook: Playbook,
    inputs: Mapping[str, Any],
    incident: str | None,
    requester: str,
    account: str | None = None,
    ask: str | None = None,
    shown: bool = True,
    service: str | None = None,
    site: str | None = None,
    kind: str = "real",
    editors: Sequence[str] = (),
) -> str:
    """Write a run and its steps; the engine takes it up after the commit. Returns its id ("INC-42/2").

    Raises Refused when a step asks somebody the policy does not know.
    """
    check_addressed(engine.house.policy, playbook)
    return write_run(
        tx, engine.house, playbook=playbook, inputs=inputs, incident=incident, requester=requester, account=account,
        ask=ask, shown=shown, service=service, site=site, kind=kind, editors=editors,
    )  # fmt: skip


def calls_answered(tx: Tx, engine: Engine, approval: str) -> None:
    """Let those sleep who were called for an approval that is not open any more."""
    asked = runs.approval(tx, approval)
    run = runs.get(tx, asked.run) if asked is not None else None
    if asked is not None and run is not None:
        answered(tx, engine.house, run, asked)


def pause(tx: Tx, engine: Engine, *, run: str, actor: Person, reason: str = "") -> Said:
    """Start nothing new. A step in flight is finished first. Needs no approval."""
    found = running(tx, run)
    if found.state == "paused" or found.stop_asked == "pause":
        return Said(f"{run} is paused already; nothing was changed. `/playbook resume {run}` goes on with it.")
    if found.stop_asked == "abort":
        raise Refused(f"{run} is being aborted.")
    flying = _flying(tx, run)
    changes = Changes()
    changes.event("run.pause_asked", actor.person or "", run=run, texts={"reason": reason} if reason else {})
    if flying or found.lease_owner:
        changes.run = {"stop_asked": "pause", "ready_at": tx.now}
    else:
        changes.run = {"state": "paused", "reason": "a person paused it", "ready_at": None}
        changes.event("run.paused", run=run, reason="a person paused it")
    transition(tx, found, changes)
    tail = f" Step {flying[0].idx} {flying[0].uses} is in flight and is finished first." if flying else ""
    return Said(f"⏸ **{run}** {found.playbook} starts nothing new.{tail} Go on with `/playbook resume {run}`.")


def resume(tx: Tx, engine: Engine, *, run: str, actor: Person, reason: str = "") -> Said:
    """Go on with a paused run."""
    found = running(tx, run)
    if found.state != "paused":
        if found.stop_asked == "pause":
            transition(tx, found, Changes(run={"stop_asked": None, "ready_at": tx.now}))
            return Said(f"▶️ **{run}** goes on.")
        raise Refused(f"{run} is not paused; it is {found.state}.")
    bad = next((step for step in runs.steps_of(tx, run) if _blocks(step)), None)
    if bad is not None:
        raise Refused(
            f"Step {bad.idx} {bad.uses} of {run} {bad.state}: {bad.error}",
            todo=f"`/playbook retry {run}`, `/playbook skip {run} <reason>` or `/playbook abort {run}`.",
        )
    go_on(tx, found, Changes(), actor)
    return Said(f"▶️ **{run}** {found.playbook} goes on.")


def abort(tx: Tx, engine: Engine, *, run: str, actor: Person, reason: str = "") -> Said:
    """End a run: what has not begun will not. A step in flight is finished first. Needs no approval."""
    found = running(tx, run)
    steps = runs.steps_of(tx, run)
    flying = _flying(tx, run)
    changes = Changes()
    changes.event("run.abort_asked", actor.person or "", run=run, texts={"reason": reason} if reason else {})
    if found.state != "paused" and (flying or found.lease_owner or any(s.state == "unknown" for s in steps)):
        changes.run = {"stop_asked": "abort", "ready_at": tx.now}
        transition(tx, found, changes)
        what = f"Step {flying[0].idx} {flying[0].uses} is in flight and is finished first" if flying else "It ends now"
        return Said(f"⏹ **{run}** {found.playbook} is being aborted. {what}; nothing else starts.")
    end_aborted(changes, found, steps, runs.approvals_of(tx, run))
    transition(tx, found, changes)
    done = [f"{step.idx} {step.uses}" for step in steps if step.outputs is not None and step.risk > Risk.READ]
    kept = f" Already done and not undone: {', '.join(done)}." if done else " It had changed nothing."
    return Said(f"⏹ **{run}** {found.playbook} is aborted.{kept}")


def retry(tx: Tx, engine: Engine, *, run: str, actor: Person, reason: str = "", step: str | None = None) -> Said:
    """Try a failed or uncertain step again: a new attempt with a new key; the asker is a requester of it.

    A run that ended incomplete is opened again for it, as long as its incident goes on. What was skipped because of the
    step (its condition, what it reads) is looked at anew.
    """
    found = running(tx, run, but="incomplete")
    _still_wanted(tx, found)
    bad = chosen(tx, found, step, ("failed", "uncertain"))
    changes = Changes()
    void(tx, bad, changes, "a new attempt was asked for")
    values = {"state": "pending", "attempt": bad.attempt + 1, "tries": 0, "error": None, "note": None, "approval": None}
    values |= {"params": None, "outputs": None, "deadline": None, "ended_at": None, "key": None, "answer": None}
    values["question"] = None
    values["requesters"] = sorted({*bad.requesters, actor.person or ""})
    changes.steps[bad.idx] = values
    after = runs.steps_of(tx, run)[bad.idx :]
    anew = [s.idx for s in after if s.state == "skipped" and (s.note or "").startswith(SKIPPED_FOR)]
    changes.steps |= {idx: {"state": "pending", "note": None, "ended_at": None} for idx in anew}
    texts = {"reason": reason} if reason else {}
    changes.told("step.retry_asked", bad, actor.person or "", next=bad.attempt + 1, anew=anew, texts=texts)
    go_on(tx, found, changes, actor)
    again = " It needs a new approval; yours does not count." if Risk(bad.risk).destructive else ""
    again = again or (" It needs a new approval." if Risk(bad.risk).guarded else "")
    if bad.state == "uncertain":
        again += " What became of it before is not known: if it happened, it may happen twice."
    return Said(f"🔁 **{run}** tries step {bad.idx} {bad.uses} again.{again}")


def _still_wanted(tx: Tx, run: Run) -> None:
    """Nobody is paged or invited for an incident that has ended. Raises Refused."""
    owner = incident_rows.get(tx, run.incident) if run.state == "incomplete" and run.incident else None
    if owner is not None and not owner.open:
        raise Refused(f"{run.id} ({run.playbook}) has ended, and {owner.id} was {owner.status}. Nothing was started.")


def skip(tx: Tx, engine: Engine, *, run: str, actor: Person, reason: str = "", step: str | None = None) -> Said:
    """Go on without a step. Needs a reason, which stays on the record."""
    if not reason.strip():
        raise Refused("Skipping a step needs a reason.", todo=f"`/playbook skip {run} <reason>`")
    found = running(tx, run)
    choices = ("failed", "uncertain", "held", "parked", "pending")
    bad = chosen(tx, found, step, choices)
    if bad.state == "pending" and step is None:
        raise Refused(f"Nothing in {run} waits for a decision.", todo=f"Name the step: `/playbook skip {run} step=2 …`")
    changes = Changes()
    void(tx, bad, changes, "the step was skipped")
    end_stage(tx, replace(bad, on_failure="pause"), changes, "the step was skipped")  # also a check between its steps
    changes.steps[bad.idx] = {"state": "skipped", "note": "skipped by a person", "wake_at": None}
    changes.told("step.skipped", bad, actor.person or "", texts={"reason": reason})
    go_on(tx, found, changes, actor)
    return Said(f"⏭ **{run}** goes on without step {bad.idx} {bad.uses}.")


def _flying(tx: Tx, run: str) -> list[Step]:
    return [step for step in runs.steps_of(tx, run) if step.state == "started" and step.wake_at is None]


def _blocks(step: Step) -> bool:
    return step.state in moves.STEP_BAD and step.on_failure == "pause"
