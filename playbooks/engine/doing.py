"""Doing one thing for one step of a held run: start it, look again, resume it, verify it, find out what happened.

Belongs here: the order "started is written, then the act, then its outcome", and the one catch-all of the engine.
Does not belong here: what comes next (next.py), approvals (asking.py), sorting outcomes (outcomes.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from playbooks.action import Act, Action, Again, Answer, Outputs, Park, Risk
from playbooks.engine import outcomes
from playbooks.engine.asking import Differs, check_approval, keep_approval, look_before_start, void
from playbooks.engine.held import Held, attempt_key
from playbooks.engine.scope import scope_of
from playbooks.engine.transition import Changes, lock, transition
from playbooks.errors import MusterError, Refused
from storage import runs
from storage.db import Tx, Unreachable
from storage.runs import Run, Step
from storage.sql import later

log = structlog.get_logger(__name__)
MARGIN = 0.75  # of a lease: an effect is only begun inside its first three quarters


@dataclass
class Begun:
    """A step whose start is on the record: call it now."""

    action: Action
    step: Step
    scope: Mapping[str, Any]
    act: Act


async def start(held: Held, idx: int, risk: int) -> None:
    """Start a pending (or approved) step: write `started`, make the effect, write what came of it."""
    approved = None
    if Risk(risk).guarded:
        approved = await look_before_start(held, idx)
        if approved is None:
            return
    before = time.monotonic()
    try:
        begun = await held.house.db.write(lambda tx: _begin(tx, held, idx, approved))
    except Unreachable:  # whether `started` is stored is not known here; that the effect was not made, is
        await held.settle(
            idx, lambda tx, run, step: _not_made(held, tx, step, "The database did not say that its start was stored")
        )
        return
    if begun is None:
        return
    took = time.monotonic() - before
    if _once(begun.action, begun.step) and took > held.house.lease_s * MARGIN:
        # The lease may have run out while the start was being written: the effect is not made.
        words = "Writing the start took longer than the lease allows"
        await held.settle(idx, lambda tx, run, step: _not_made(held, tx, step, words))
        return
    await _call(held, begun, begun.action.run if _acts(begun.action) else begun.action.look)


def _acts(action: Action) -> bool:
    """Whether the action brings a `run` of its own; questions to people are reads that do."""
    return type(action).run is not Action.run


def _once(action: Action, step: Step) -> bool:
    """Whether a second effect would be a fault: then it is only begun well inside the lease."""
    return action.again is Again.NEVER or Risk(step.risk).destructive


def _not_made(held: Held, tx: Tx, step: Step, why: str) -> Changes:
    """Begin it again soon. That is our own database's slowness, so it is not counted as a try of the outside."""
    changes = Changes()
    if step.state != "started" or step.started_by != held.house.replica:
        return changes
    words = f"{why}; the effect was not made."
    wake = tx.now + timedelta(seconds=0.5)
    changes.steps[step.idx] = {"state": "pending", "wake_at": wake, "note": words}
    changes.told("step.retrying", step, tries=step.tries, in_s="0.5", texts={"error": words})
    keep_approval(tx, step, changes)
    return changes


def _raised(held: Held, action: Action, tx: Tx, step: Step, error: BaseException) -> Changes:
    changes = outcomes.raised(held.context(action, step, tx.now), error)
    if changes.steps.get(step.idx, {}).get("state") == "pending":
        keep_approval(tx, step, changes)  # `Temporary` says that nothing happened
    return changes


def _begin(tx: Tx, held: Held, idx: int, approved: Any) -> Begun | None:
    """One transaction: condition, parameters, approval, `started`. None: something else was written instead."""
    run = lock(tx, held.id, held.fence)
    steps = runs.steps_of(tx, held.id)
    step = steps[idx - 1]
    if step.state not in ("pending", "held") or run.stop_asked or run.state in ("paused", "aborted"):
        return None
    scope = scope_of(tx, held.house.policy, held.house.url, run, steps)
    spec = held.spec(idx)
    try:
        if why := held.why_not(steps, step, scope):
            changes = outcomes.early(step, steps, spec.if_, tx.now) or outcomes.skip(step, why)
            void(tx, step, changes, "the step is not done")
            transition(tx, run, changes)
            return None
        action = held.action(step, scope)
        if approved is not None:
            check_approval(tx, held, run, step, action, approved)
    except Differs as differs:
        transition(tx, run, differs.changes)
        return None
    except Refused as error:
        transition(tx, run, _refused_before(held, step, tx, str(error)))
        return None
    changes = Changes()
    if _once(action, step):  # a full lease from here on, so that the effect falls well inside it
        changes.run["lease_until"] = later(tx, held.house.lease_s)
    key = attempt_key(run, step)
    values = {"state": "started", "key": key, "params": action.model_dump(mode="json"), "tries": step.tries}
    values |= {"started_at": tx.now, "started_by": held.house.replica, "wake_at": None, "deadline": None, "note": None}
    if spec.within_s is not None:
        values["plan"] = {**(step.plan or {}), "within_s": spec.within_s}
    changes.steps[idx] = values
    if approved is not None:
        changes.approvals[approved.id] = {"state": "used"}
    texts = {"params": outcomes.as_json(values["params"])}
    changes.told("step.started", step, key=key, replica=held.house.replica, texts=texts)
    transition(tx, run, changes, steps)
    step = Step(**{**step.__dict__, **values})
    return Begun(action, step, scope, held.act(tx.now, scope, step))


def _refused_before(held: Held, step: Step, tx: Tx, message: str) -> Changes:
    if step.on_failure == "continue":
        changes = outcomes.skip(step, message)
    else:
        changes = Changes()
        changes.steps[step.idx] = {"state": "failed", "error": message, "wake_at": None}
        changes.told("step.failed", step, texts={"error": message})
    void(tx, step, changes, "the step cannot be done now")
    return changes


async def _call(held: Held, begun: Begun, call: Callable[[Any], Awaitable[Outputs | Park]]) -> None:
    """Make the call and write its outcome. The engine's one catch-all: what nobody foresaw is `unknown`, never lost."""
    timeout = held.spec(begun.step.idx).timeout_s or begun.action.timeout_s
    try:
        async with asyncio.timeout(timeout):
            result = await call(begun.act)
    except Exception as error:
        if not isinstance(error, MusterError | TimeoutError):
            log.exception("engine.unexpected", run=held.id, step=begun.step.idx, uses=begun.step.uses)
        problem = error  # `error` is unbound after this block
        await held.settle(
            begun.step.idx, lambda tx, run, step: _raised(held, begun.action, tx, step, problem), begun.step.attempt
        )
    else:
        await held.settle(
            begun.step.idx,
            lambda tx, run, step: outcomes.returned(held.context(begun.action, step, tx.now), result),
            begun.step.attempt,
        )


async def probe(held: Held, idx: int) -> None:
    """Look again: a read that said "not yet"."""
    now, _, step, scope = await held.now(idx)
    action = held.action(step, scope)
    await _call(held, Begun(action, step, scope, held.act(now, scope, step)), action.look)


async def resume(held: Held, idx: int) -> None:
    """A parked step whose answer or time came."""

    def begin(tx: Tx) -> Step | None:
        run = lock(tx, held.id, held.fence)
        step = runs.steps_of(tx, held.id)[idx - 1]
        if step.state != "parked" or run.stop_asked:
            return None
        changes = Changes()
        changes.steps[idx] = {"state": "started", "wake_at": None, "started_by": held.house.replica}
        changes.told("step.resumed", step)
        transition(tx, run, changes)
        return step

    try:
        step = await held.house.db.write(begin)
    except Unreachable:  # it may say started now, but nothing was called
        await held.settle(idx, lambda tx, run, step: _not_resumed(held, tx, step))
        return
    if step is None:
        return
    now, _, _, scope = await held.now(idx)
    action = held.action(step, scope)
    answer = Answer(**step.answer) if step.answer else None
    begun = Begun(action, step, scope, held.act(now, scope, step))
    await _call(held, begun, lambda act: action.resume(act, answer))


def _not_resumed(held: Held, tx: Tx, step: Step) -> Changes:
    changes = Changes()
    if step.state == "started" and step.started_by == held.house.replica:
        changes.steps[step.idx] = {"state": "parked", "wake_at": None if step.question else tx.now}
    return changes


async def overdue(held: Held, idx: int) -> None:
    """Nobody answered a question in time. Silence never passes."""

    def decide(tx: Tx, run: Run, step: Step) -> Changes:
        changes = Changes()
        words = f"Nobody answered “{(step.question or {}).get('text', '')}” in time."
        changes.steps[idx] = {"state": "failed", "error": words, "wake_at": None}
        changes.told("step.failed", step, texts={"error": words})
        return changes

    await held.settle(idx, decide)


async def verify(held: Held, idx: int) -> None:
    """One look whether the effect took; the next one is a time in the row, not a task."""
    now, _, step, scope = await held.now(idx)
    action = held.action(step, scope)
    world = held.world(now, scope, step)
    try:
        done = _outputs(action, step)
        async with asyncio.timeout(action.timeout_s):
            seen = await action.verify(world, done)
    except Exception as error:
        if not isinstance(error, MusterError | TimeoutError):
            log.exception("engine.verify_unexpected", run=held.id, step=idx, uses=step.uses)
        problem = error
        await held.settle(idx, lambda tx, run, step: outcomes.look_failed(held.context(action, step, tx.now), problem))
    else:
        await held.settle(idx, lambda tx, run, step: outcomes.looked(held.context(action, step, tx.now), seen))


def _outputs(action: Action, step: Step) -> Outputs:
    """What `run` returned. On a person's word that it happened, only what its parameters say is known of it."""
    try:
        return action.result.model_validate(step.outputs or {})
    except ValidationError:
        return action.result.model_construct(**(step.outputs or {}))


async def refuse(held: Held, idx: int, error: Refused) -> None:
    """What a step that is under way needs is not in this version of Muster: it failed, and a person chooses."""

    def decide(tx: Tx, run: Run, step: Step) -> Changes:
        changes = Changes()
        changes.steps[idx] = {"state": "failed", "error": str(error), "wake_at": None}
        changes.told("step.failed", step, texts={"error": str(error)})
        return changes

    await held.settle(idx, decide)
