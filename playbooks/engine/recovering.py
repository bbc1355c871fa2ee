"""After a lost outcome: repeat what is safe, look for the rest, and ask a person where looking cannot tell.

Belongs here: steps whose replica died or whose call was never answered. Does not belong here: making effects
(doing.py), sorting outcomes (outcomes.py), answers of people (requests.py).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import structlog

from playbooks.action import Action, Again, Found, Risk
from playbooks.engine import outcomes
from playbooks.engine.asking import keep_approval
from playbooks.engine.held import Held
from playbooks.engine.transition import Changes, Fenced, lock, transition
from playbooks.errors import MusterError, NotYet, Refused, Temporary
from storage import leases, runs, timeline
from storage.db import Tx
from storage.runs import Run, Step

log = structlog.get_logger(__name__)
RECONCILE_LOOKS = 3
SILENT_LOOKS = 8  # about two minutes


async def lost(held: Held, idx: int) -> None:
    """A step says `started` but nobody is busy with it: its replica died. Repeat what is safe, look for the rest."""

    def decide(tx: Tx, run: Run, step: Step) -> Changes:
        again_may = _again(held, step)
        beat = leases.last_heartbeat(tx, step.started_by or "")
        changes = Changes()
        changes.told("step.unknown", step, replica=step.started_by, heartbeat_at=beat, started_at=step.started_at)
        note = f"started by {step.started_by}, which stopped answering" + (f" at {beat:%H:%M:%S}" if beat else "")
        changes.steps[idx] = {"state": "unknown", "note": note, "wake_at": None, "tries": 0}
        transition(tx, run, changes)
        if again_may is Again.NEVER:
            return Changes()
        again = Changes()
        again.steps[idx] = {"state": "pending", "note": note}
        again.told("step.repeated", step, again=str(again_may))
        return again

    def write(tx: Tx) -> None:
        run = lock(tx, held.id, held.fence)
        step = runs.steps_of(tx, held.id)[idx - 1]
        if step.state != "started":
            return  # written already: only the answer to the commit was lost
        more = decide(tx, run, step)
        if more.steps:
            transition(tx, run, more)

    try:
        await held.keep(write)
    except Fenced:
        held.lost = True


def _again(held: Held, step: Step) -> Again:
    """What may happen to a lost step; one whose action this version does not know is not repeated."""
    try:
        return held.action(step, {}).again
    except Refused:
        return Again.NEVER


async def reconcile(held: Held, idx: int) -> None:
    """Look for the effect whose outcome was lost: it happened, it did not, or a person must say."""
    now, _, step, scope = await held.now(idx)
    action: Action | None = None
    silent = False
    try:
        action = held.action(step, scope)
        async with asyncio.timeout(action.timeout_s):
            found = await action.reconcile(held.world(now, scope, step))
    except Exception as error:  # the engine's step: whatever went wrong while looking, a person is asked
        if not isinstance(error, MusterError | TimeoutError):
            log.exception("engine.reconcile_unexpected", run=held.id, step=idx, uses=step.uses)
        words = str(error) if isinstance(error, MusterError) else f"looking failed: {type(error).__name__}"
        again_in = error.again_in if isinstance(error, NotYet) else None
        silent = isinstance(error, Temporary)
        found = Found(happened=None, evidence=words)
    else:
        again_in = None
    await held.settle(idx, lambda tx, run, step: _found(held, tx, run, step, action, found, again_in, silent))


def _found(
    held: Held, tx: Tx, run: Run, step: Step, action: Action | None, found: Found, again_in: float | None, silent: bool
) -> Changes:
    """silent: the service did not even answer the look, so an outage may last longer than a few looks."""
    changes = Changes()
    looks = step.tries + 1
    patient = silent and not Risk(step.risk).destructive  # about a destructive step a person is asked soon
    if found.happened is None and looks < (SILENT_LOOKS if patient else RECONCILE_LOOKS) and not run.stop_asked:
        wait = again_in or (min(2.0**looks, outcomes.SLOWEST_S) if patient else 2.0)
        first = (step.note or "").partition(" Looked: ")[0]
        changes.steps[step.idx] = {
            "tries": looks,
            "wake_at": tx.now + timedelta(seconds=wait),
            "note": f"{first} Looked: {found.evidence}",
        }
        return changes
    told = {True: "happened", False: "did not happen", None: "cannot tell"}[found.happened]
    changes.told("step.reconciled", step, found=told, texts={"evidence": found.evidence})
    if found.happened and action is not None:
        outputs = outcomes.capped(found.outputs) if found.outputs is not None else {}
        deadline = tx.now + timedelta(seconds=outcomes.within(held.context(action, step, tx.now)))
        changes.facts = {fact: outputs[name] for fact, name in action.facts.items() if name in outputs}
        note = f"It happened: {found.evidence}"
        changes.steps[step.idx] = {"state": "done", "outputs": outputs, "done_at": tx.now, "deadline": deadline}
        changes.steps[step.idx] |= {"note": note, "wake_at": None}
    elif found.happened is False and action is not None:
        tries = 1 + _proven(tx, run, step)
        again = outcomes.not_happened(held.context(action, step, tx.now), found.evidence, tries)
        changes.steps, changes.events = again.steps, [*changes.events, *again.events]
        if again.steps[step.idx]["state"] == "pending":
            keep_approval(tx, step, changes)
    elif Risk(step.risk).destructive and run.stop_asked != "abort":
        changes.steps[step.idx] = {
            "state": "asking",
            "note": found.evidence,
            "question": _unknown_question(step, found),
        }
        changes.told("step.asked", step, question="outcome")
    else:
        message = f"{step.error or ''} Its outcome is not known: {found.evidence}".strip()
        changes.steps[step.idx] = {"state": "uncertain", "error": message, "note": found.evidence}
        changes.told("step.uncertain", step)
    return changes


def _proven(tx: Tx, run: Run, step: Step) -> int:
    """How often the outside left this attempt undone, as looking proved. A replica that died is not its doing."""
    mine: Any = {"run": run.id, "step": step.idx, "attempt": step.attempt}.items()
    told = timeline.read(tx, run.stream, types=("step.reconciled", "step.unknown"))
    about = [event for event in told if mine <= event.body.items()]
    proven = sum(event.body.get("found") == "did not happen" for event in about)
    died = sum(event.type == "step.unknown" and bool(event.body.get("replica")) for event in about)
    return max(0, int(proven) - int(died))


def _unknown_question(step: Step, found: Found) -> dict[str, Any]:
    return {
        "text": f"Step {step.idx} {step.uses}: outcome unknown, and I cannot tell by looking. "
        "I will not repeat it on my own.",
        "choices": ["happened", "did-not", "abort"],
        "who": "",
        "shown": f"{step.note or ''} Looked: {found.evidence}".strip(),
    }
