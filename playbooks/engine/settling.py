"""Which changes of an incident's steps a later step set back, and which moves of a service still stand.

Belongs here: reading steps in the order of their effects. Does not belong here: the rule (playbooks/changes.py), what
may be undone or accepted (leftovers.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playbooks.action import find
from playbooks.changes import UNKNOWN, Change, standing
from playbooks.policy import Policy
from storage import placements, runs
from storage.db import Tx
from storage.runs import Step

Key = tuple[str, int]


def key_of(step: Step) -> Key:
    """Which step."""
    return step.run, step.idx


def undone(tx: Tx, step: Step) -> bool:
    """Whether a run took it back."""
    by = runs.get(tx, step.undone_by) if step.undone_by else None
    return by is not None and by.state == "succeeded"


def set_back(tx: Tx, steps: Sequence[Step]) -> set[Key]:
    """Of these steps, those whose every change was set back by later steps of the same incident (of the same run, where
    it belongs to none)."""
    mine = [step for step in steps if _changed(step)]
    if not mine:
        return set()
    every = {key_of(step): step for run in {step.run for step in mine} for step in _around(tx, run)}
    told = [(step.done_at, step) for step in every.values() if step.done_at is not None and not undone(tx, step)]
    order = [step for _, step in sorted(told, key=lambda one: (one[0], one[1].run, one[1].idx))]
    left = {who for who, _ in standing((key_of(step), change) for step in order for change in _changed(step))}
    return {key_of(step) for step in mine} - left


def away(tx: Tx, step: Step, policy: Policy) -> bool:
    """Whether a service is where this step recorded it to be, and that is not its own site."""
    action = find(step.uses)
    if action is None or not action.moves_service or step.state != "succeeded" or step.outputs is None:
        return False
    newest = placements.newest(tx, str(step.outputs.get("service")))
    service = policy.services.get(newest.service) if newest else None
    if newest is None or service is None or (newest.run, newest.step) != key_of(step):
        return False
    return service.site not in (None, newest.site)


def _changed(step: Step) -> tuple[Change, ...]:
    """What its action says that it changed. What was not seen to have worked sets nothing back."""
    action = find(step.uses)
    if action is None or step.done_at is None or step.outputs is None:
        return ()
    made = action.changes(step.params or {}, step.outputs)
    return made if step.state == "succeeded" else tuple(replace(one, after=UNKNOWN) for one in made)


def _around(tx: Tx, run: str) -> list[Step]:
    found = runs.get(tx, run)
    if found is None or found.incident is None:
        return runs.steps_of(tx, run)
    return [step for one in runs.of_incident(tx, found.incident) for step in runs.steps_of(tx, one.id)]
