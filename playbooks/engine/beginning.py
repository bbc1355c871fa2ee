"""Beginning steps: `started` is written for every step whose turn it is, in one transaction with what made it so.

Belongs here: conditions, parameters and the row of a start, for one step or for all that are ready. Does not belong
here: making the effect (doing.py), approvals and their check (asking.py), whose turn it is (next.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from playbooks.action import Act, Action, Again, Risk
from playbooks.engine import outcomes
from playbooks.engine.held import Held, attempt_key
from playbooks.engine.moves import STEP_ENDED
from playbooks.engine.next import is_early, next_moves
from playbooks.engine.scope import scope_of
from playbooks.engine.transition import Changes
from playbooks.errors import Refused
from storage import runs
from storage.db import Tx
from storage.runs import Approval, Run, Step
from storage.sql import later


@dataclass
class Begun:
    """A step whose start is on the record: call it now."""

    action: Action
    step: Step
    scope: Mapping[str, Any]
    act: Act


def once(action: Action, step: Step) -> bool:
    """Whether a second effect would be a fault: then it is only begun well inside the lease."""
    return action.again is Again.NEVER or Risk(step.risk).destructive


@dataclass
class Ready:
    """What was begun, and whether something else is to be done for the run now (verify, ask, end …)."""

    begun: list[Begun]
    more: bool = True


def ready(
    tx: Tx, held: Held, run: Run, steps: Sequence[Step], changes: Changes, tried: set[int], but: int = 0
) -> Ready:
    """Begin every unguarded step whose turn it is once `changes` are written; what that writes is added to them.

    Where nothing is left to do, the end of the run is added. What is begun is put among `held.flying` and `tried`.
    but: the step whose outcome `changes` are: its task still runs, so it is neither in the way nor begun again here.
    """
    begun: list[Begun] = []
    asked = {one.id: one for one in runs.approvals_of(tx, run.id)} if any(step.approval for step in steps) else {}
    scope: dict[str, Any] | None = None
    while True:  # a step that is skipped lets the next one have its turn
        after, now = _after(steps, changes), _with(run, changes.run)
        found = next_moves(now, after, _approvals(asked, changes), tx.now, held.flying - {but})
        mine = [after[do.idx - 1] for do in found.do if do.kind == "start" and do.idx != but]
        mine = [step for step in mine if not Risk(step.risk).guarded]
        if not mine:
            break
        scope = scope or scope_of(tx, held.house.policy, held.house.url, run, after, changes.facts)
        for step in mine:
            if one := begin(tx, held, run, after, step, scope, changes):
                begun.append(one)
                tried.add(step.idx)
                held.flying.add(step.idx)
    for step in after:  # people are asked about it now, not when the time it was put off to has come
        if is_early(step) and step.wake_at is None and Risk(step.risk).guarded:
            changes.steps.setdefault(step.idx, {"wake_at": None})
    if found.end in ("succeeded", "incomplete") and run.state == "running":  # others are taken up first
        end(changes, run, found.end)
    return Ready(begun, bool(found.do) or not begun)


def begin(
    tx: Tx,
    held: Held,
    run: Run,
    steps: Sequence[Step],
    step: Step,
    scope: Mapping[str, Any],
    changes: Changes,
    *,
    check: Any = None,
) -> Begun | None:
    """Add the start of one step to `changes`. None: it is skipped, early or refused, and that is added instead.

    check: called with the action before anything is added; may raise what its caller understands.
    """
    spec = held.spec(step.idx)
    try:
        if why := held.why_not(steps, step, scope):
            changes.add(outcomes.early(step, steps, spec.if_, spec.with_, tx.now) or outcomes.skip(step, why))
            return None
        action = held.action(step, scope)
        if check is not None:
            check(action)
    except Refused as error:
        wait = outcomes.early(step, steps, spec.if_, spec.with_, tx.now)
        changes.add(wait or refused_before(step, str(error)))
        return None
    if once(action, step):  # a full lease from here on, so that the effect falls well inside it
        changes.run["lease_until"] = later(tx, held.house.lease_s)
    key = attempt_key(run, step)
    values: dict[str, Any] = {
        "state": "started",
        "key": key,
        "params": action.model_dump(mode="json"),
        "tries": step.tries,
    }
    values |= {"started_at": tx.now, "started_by": held.house.replica, "wake_at": None, "deadline": None, "note": None}
    if spec.within_s is not None:
        values["plan"] = {**(step.plan or {}), "within_s": spec.within_s}
    changes.steps[step.idx] = values
    texts = {"params": outcomes.as_json(values["params"])}
    approved: dict[str, Any] = {"approval": step.approval} if Risk(step.risk).guarded else {}
    changes.told("step.started", step, key=key, replica=held.house.replica, **approved, texts=texts)
    repeated = step.key is not None  # a new attempt has no key until it begins
    step = replace(step, **values)
    return Begun(action, step, scope, held.act(tx.now, scope, step, repeated=repeated))


def refused_before(step: Step, message: str) -> Changes:
    """It cannot be begun: it failed before anything happened, or is skipped where the playbook goes on."""
    if step.on_failure == "continue":
        return outcomes.skip(step, message)
    changes = Changes()
    changes.steps[step.idx] = {"state": "failed", "error": message, "wake_at": None}
    changes.told("step.failed", step, texts={"error": message})
    return changes


def end(changes: Changes, run: Run, how: str) -> None:
    """Every step has ended: so has the run. how: succeeded or incomplete."""
    changes.run |= {"state": how, "lease_owner": None, "lease_until": None}
    changes.event("run.ended", run=run.id, playbook=run.playbook, outcome=how)


def _after(steps: Sequence[Step], changes: Changes) -> list[Step]:
    """The steps as they will stand. A new fact, or the end of what would have made it, ends the waiting for it."""
    stirred = changes.facts or any(values.get("state") in STEP_ENDED for values in changes.steps.values())
    return [_one_after(step, changes.steps.get(step.idx), bool(stirred)) for step in steps]


def _one_after(step: Step, values: Mapping[str, Any] | None, stirred: bool) -> Step:
    if values is not None:
        return replace(step, **values)
    return replace(step, wake_at=None) if stirred and is_early(step) else step


def _with(run: Run, values: Mapping[str, Any]) -> Run:
    return replace(run, **values) if values else run


def _approvals(asked: Mapping[str, Approval], changes: Changes) -> Mapping[str, Approval]:
    return {id: replace(one, **changes.approvals.get(id, {})) for id, one in asked.items()}
