"""A person says what became of a destructive step whose outcome was lost and that looking cannot tell.

Belongs here: what each of the three answers means for the step, its run and what people approved. Does not belong here:
asking (recovering.py).
"""

from __future__ import annotations

from typing import Any

from playbooks.action import find
from playbooks.engine.meant import go_on
from playbooks.engine.requests import abort
from playbooks.engine.spending import covered
from playbooks.engine.transition import Changes, transition
from playbooks.engine.voting import Said
from playbooks.engine.word import Word
from storage import runs
from storage.db import Tx
from storage.runs import Step


def say_outcome(word: Word, choice: str, texts: dict[str, str]) -> Said:
    """A person says what became of a destructive step: it happened, it did not (ask again), or abort."""
    tx, run, step, person = word.tx, word.run, word.step, word.actor.person or ""
    changes = Changes()
    changes.told("step.answered", step, person, choice=choice, texts=texts)
    if choice == "abort":
        changes.run["ready_at"] = tx.now
        transition(tx, run, changes)
        return abort(tx, word.engine, run=run.id, actor=word.actor, reason="the outcome of a step is not known")
    if choice == "happened":
        note = "a person says it happened"
        values = {"state": "done", "outputs": step.outputs or _told_outputs(step), "done_at": tx.now, "note": note}
        changes.steps[step.idx] = {**values, "answer": {"person": person, "choice": "happened"}, "question": None}
        told = f"Recorded: it happened. **{run.id}** goes on and verifies."
    else:
        values = {"state": "pending", "attempt": step.attempt + 1, "tries": 0, "approval": None, "key": None}
        values["requesters"] = sorted({*step.requesters, person})
        note = "a person says it did not happen"
        changes.steps[step.idx] = {**values, "params": None, "question": None, "answer": None, "note": note}
        _unbind(tx, step, changes)
        told = f"Recorded: it did not happen. **{run.id}** asks for approval again; yours does not count."
    go_on(tx, run, changes, word.actor)
    return Said(told)


def _unbind(tx: Tx, step: Step, changes: Changes) -> None:
    """What people agreed to for the rest of its stage was agreed to behind this step as it was: it ends here, and the
    request that comes next binds this step and what is left of the stage together."""
    asked = runs.approval(tx, step.approval) if step.approval else None
    if asked is None or asked.state not in ("open", "granted"):
        return
    why = f"a person says that step {step.idx} did not happen"
    changes.approvals[asked.id] = {"state": "void", "reason": why}
    changes.event("approval.void", approval=asked.id, run=step.run, step=step.idx, why=why)
    for other in runs.steps_of(tx, step.run):
        if other.idx != step.idx and other.idx in covered(asked) and other.state == "pending":
            changes.steps[other.idx] = {"approval": None}


def _told_outputs(step: Step) -> dict[str, Any]:
    """On a person's word the outputs are those parameters the action also returns; verify looks at the rest."""
    cls = find(step.uses)
    names = cls.result.model_fields if cls else {}
    return {name: value for name, value in (step.params or {}).items() if name in names}
