"""What a run changed and nobody took back or accepted; taking one such step back, or letting it stay.

An undo is a run of its own, of a generated playbook with one step, bound to what the step was given and returned: so
approvals, digests, locks, crashes and verification are those of any run. Whoever asks is its requester.
Belongs here: asking for it, accepting, and the list. Does not belong here: how an undo is made (playbooks/undoing.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from playbooks.action import UNDO, UNDOES, Risk, find
from playbooks.directory import Person
from playbooks.engine import moves
from playbooks.engine.engine import Engine
from playbooks.engine.load import load_text
from playbooks.engine.outcomes import as_json
from playbooks.engine.settling import away, key_of, set_back, undone
from playbooks.engine.starting import write_run
from playbooks.engine.transition import Changes, lock, transition
from playbooks.engine.voting import Said
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import cards, runs
from storage.db import Tx
from storage.runs import Run, Step

TEXT = """# Takes back what one step of an earlier run changed. Its inputs say what that step was given and returned.
name: {name}
title: Undo step {idx} {uses} of {run}
inputs:
  params: {{ type: text }}
  done: {{ type: text }}
  targets: {{ type: text }}
steps:
  - id: undo
    phase: execute
    uses: {uses}{undo}
    with:
      params: "${{{{ inputs.params }}}}"
      done: "${{{{ inputs.done }}}}"
      targets: "${{{{ inputs.targets }}}}"
"""


def made(step: Step) -> bool:
    """Whether its effect was made, whatever was seen of it afterwards."""
    return step.done_at is not None and step.outputs is not None


def leftovers(tx: Tx, steps: Sequence[Step], policy: Policy) -> list[Step]:
    """Those whose change could be taken back, was not, no later step set back and nobody accepted; and those by which a
    service is active at a site that is not its own."""
    left = [step for step in steps if made(step) and not step.accepted_by and not undone(tx, step)]
    could = [step for step in left if _undoable(step)]
    gone = set_back(tx, could)
    stay = {key_of(step) for step in could} - gone
    return [step for step in left if key_of(step) in stay or away(tx, step, policy)]


def of_incident(tx: Tx, incident: str, policy: Policy) -> list[Step]:
    """What all runs of an incident left, oldest first."""
    steps = [step for run in runs.of_incident(tx, incident) for step in runs.steps_of(tx, run.id)]
    return sorted(leftovers(tx, steps, policy), key=lambda step: (step.done_at or tx.now, step.run, step.idx))


def changed(step: Step) -> str:
    """What such a step changed, in one line: the effect people approved, or what was said of it."""
    outputs = step.outputs or {}
    action = find(step.uses)
    if action is not None and action.moves_service:
        return f"{outputs.get('service')} is active at {outputs.get('site')}, which is not its own site"
    return str((step.plan or {}).get("effect") or step.note or step.title)


def _undoable(step: Step) -> bool:
    action = find(step.uses)
    return action is not None and action.can_undo() and action.leaves(step.outputs or {})


def undo(
    tx: Tx, engine: Engine, *, run: str, actor: Person, reason: str, step: str | None = None, ask: str | None = None
) -> Said:
    """Start taking back one step of a run that is paused or has ended. Raises Refused with what to do instead.

    ask: whose answer tells what fails on the way.
    """
    if not reason.strip():
        raise Refused(
            "An undo needs a reason, which stays on the record.", todo=f"`/playbook undo {run} step=1 <reason>`"
        )
    found = _run(tx, run)
    mine = _step(tx, found, step, engine.house.policy)
    _may(tx, mine)
    if found.state != "paused" and found.state not in moves.RUN_ENDED:
        raise Refused(f"{run} is still going on ({found.state}), so nothing of it is taken back now.",
                      todo=f"`/playbook pause {run}` or `/playbook abort {run}` first.")  # fmt: skip
    name = f"{UNDOES}{mine.uses.replace('.', '-').replace('_', '-')}"
    text = TEXT.format(name=name, idx=mine.idx, uses=mine.uses, run=run, undo=UNDO)
    inputs = {
        "params": as_json(mine.params or {}),
        "done": as_json(mine.outputs),
        "targets": as_json((mine.plan or {}).get("targets", [])),
    }
    by = write_run(
        tx, engine.house, playbook=load_text(text, "undo.yaml"), inputs=inputs, incident=found.incident,
        requester=actor.person or "", account=actor.account, ask=ask, service=found.service, site=found.site,
        kind=found.kind,
    )  # fmt: skip
    changes = Changes()
    changes.steps[mine.idx] = {"undone_by": by}
    changes.told("step.undo_asked", mine, actor.person or "", by=by, texts={"reason": reason})
    transition(tx, found, changes)
    risk = Risk(max(one.risk for one in runs.steps_of(tx, by)))
    waits = " It waits for approval, and yours does not count." if risk.guarded else ""
    return Said(f"↩️ **{by}** takes back step {mine.idx} {mine.uses} of {run}.{waits}")


def accept(tx: Tx, policy: Policy, *, run: str, actor: Person, reason: str, step: str | None = None) -> Said:
    """Let stay what a step changed: it is left over no more. Raises Refused without a reason."""
    found = _run(tx, run)
    mine = _step(tx, found, step, policy)
    if mine.accepted_by:
        return Said(f"Step {mine.idx} {mine.uses} of {run} was accepted already.")
    if not reason.strip():
        raise Refused("Why does it stay? Nothing was accepted.",
                      todo=f"`/playbook accept {run} step={mine.idx} <reason>`")  # fmt: skip
    if mine not in leftovers(tx, [mine], policy):
        raise Refused(f"Step {mine.idx} {mine.uses} of {run} left nothing behind that would have to be accepted.")
    changes = Changes()
    changes.steps[mine.idx] = {"accepted_by": actor.person}
    changes.told("step.accepted", mine, actor.person or "", texts={"reason": reason})
    transition(tx, found, changes)
    if found.incident:
        cards.want(tx, "board", found.incident, found.stream)
    return Said(f"👍 What step {mine.idx} {mine.uses} of {run} changed stays.")


def _run(tx: Tx, run: str) -> Run:
    try:
        return lock(tx, run)
    except LookupError:
        raise Refused(
            f"There is no run **{run}**.", todo="`/playbook status` lists the runs of this incident."
        ) from None


def _step(tx: Tx, run: Run, step: str | None, policy: Policy) -> Step:
    """The step named by number or id; without a name the only one that is left over."""
    steps = runs.steps_of(tx, run.id)
    if step is None:
        left = leftovers(tx, steps, policy)
        if len(left) == 1:
            return left[0]
        which = ", ".join(f"step={one.idx} {one.uses}" for one in left)
        what = f"Which step of {run.id}? {which}." if left else f"{run.id} left nothing behind that has an undo."
        raise Refused(what, todo=f"`/playbook status {run.id}` shows its steps.")
    named = next((one for one in steps if str(one.idx) == step or one.id == step), None)
    if named is None:
        raise Refused(f"{run.id} has no step **{step}**; it has {', '.join(one.id for one in steps)}.",
                      todo=f"`/playbook status {run.id}` shows them.")  # fmt: skip
    return named


def _may(tx: Tx, step: Step) -> None:
    """Raises Refused when there is nothing to take back, or no way to."""
    what = f"Step {step.idx} {step.uses} of {step.run}"
    action = find(step.uses)
    if not made(step):
        raise Refused(f"{what} is {step.state}: it changed nothing that could be taken back.")
    if action is None:
        raise Refused(f"There is no action {step.uses} in this version of Muster.", todo="Take it back by hand.")
    if not action.can_undo():
        why = action.why_no_undo or "It only looks, so there is nothing to take back."
        raise Refused(f"{what} has no undo. {why} Nothing was done.")
    by = runs.get(tx, step.undone_by) if step.undone_by else None
    if by is not None and undone(tx, step):
        raise Refused(f"{what} was taken back already, by {by.id}.")
    if by is not None and by.state not in moves.RUN_ENDED:
        raise Refused(f"{what} is being taken back already: {by.id} is {by.state}.",
                      todo=f"`/playbook status {by.id}` shows where it stands.")  # fmt: skip
