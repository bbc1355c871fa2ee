"""What of an approval is used up: it covers each step once, and once more after a proven non-effect. Pure functions.

The approval of one step says so by its state. That of a stage stays granted until its last step began; which ones
began, and which of these were proven not to have happened, is kept in its `plan` column (`started`, `kept`).
Does not belong here: what is bound (covering.py), writing (transition.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storage.runs import Approval, Step


def covered(asked: Approval) -> list[int]:
    """The steps an approval covers, by number, in order."""
    return [int(part["index"]) for part in (asked.covers or {}).get("steps") or ()] or [asked.idx]


def spent(asked: Approval, idx: int) -> bool:
    """Whether the approval of a stage was used for this step already. That of one step says so by its state."""
    plan = asked.plan or {}
    return bool(list(plan.get("started", ())).count(idx) > list(plan.get("kept", ())).count(idx))


def after_start(asked: Approval, idx: int) -> dict[str, Any]:
    """The approval once this step began: used, or still good for the rest of its stage."""
    every = covered(asked)
    if len(every) < 2:
        return {"state": "used"}
    plan = {**asked.plan, "started": [*asked.plan.get("started", ()), idx]}
    left = [one for one in every if one not in plan["started"]]
    return {"plan": plan} if left else {"plan": plan, "state": "used"}


def after_non_effect(asked: Approval, idx: int) -> dict[str, Any] | None:
    """The approval once it is proved that this step did not happen: good again, once. None: it was kept already."""
    if len(covered(asked)) < 2:
        kept = asked.state == "used" and asked.reason != "kept"
        return {"state": "granted", "reason": "kept", "decided_at": None} if kept else None
    if asked.state not in ("used", "granted") or not spent(asked, idx) or idx in asked.plan.get("kept", ()):
        return None
    again = {"plan": {**asked.plan, "kept": [*asked.plan.get("kept", ()), idx]}}
    return {**again, "state": "granted", "decided_at": None} if asked.state == "used" else again


def ends(asked: Approval, step: Step) -> bool:
    """Whether the rest of a stage is over once this step failed: one of its steps, or a check between them."""
    mine = covered(asked)
    within = len(mine) > 1 and mine[0] <= step.idx <= mine[-1]
    return within and (step.idx in mine or step.on_failure == "pause")


def waiting(asked: Approval, steps: Sequence[Step]) -> Step:
    """The step that would begin next on this approval; where none is left, the first one it covers."""
    mine = covered(asked)
    left = (step for step in steps if step.idx in mine and step.approval == asked.id)
    return next((step for step in left if step.state in ("held", "pending")), steps[asked.idx - 1])
