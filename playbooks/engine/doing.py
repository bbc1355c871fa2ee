"""Doing one thing for one step of a held run: start it, look again, resume it, verify it, find out what happened.

Belongs here: the order "started is written, then the act, then its outcome", and the one catch-all of the engine.
Does not belong here: what comes next (next.py), approvals (asking.py), sorting outcomes (outcomes.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from playbooks.action import Action, Answer, Outputs, Park
from playbooks.engine import outcomes
from playbooks.engine.asking import Differs, check_approval, keep_approval, look_before_start, void
from playbooks.engine.beginning import Begun, begin, once, ready
from playbooks.engine.held import Held
from playbooks.engine.placing import unmoved
from playbooks.engine.scope import scope_of
from playbooks.engine.spending import after_start
from playbooks.engine.transition import Changes, lock, transition
from playbooks.errors import MusterError, Refused
from storage import runs
from storage.db import Tx, Unreachable
from storage.runs import Run, Step

log = structlog.get_logger(__name__)
MARGIN = 0.75  # of a lease: an effect is only begun inside its first three quarters

UNSAID = "The database did not say that its start was stored"


async def start(held: Held, idx: int) -> bool:
    """Start a guarded step whose approval stands: look once more, write `started`, make the effect, write its outcome.

    Like all that is done for a step here, returns whether nothing else is to be done for the run now.
    """
    approved = await look_before_start(held, idx)
    if approved is None:
        return False
    before = time.monotonic()
    try:
        begun = await held.house.db.write(lambda tx: _begin(tx, held, idx, approved))
    except Unreachable:  # whether `started` is stored is not known here; that the effect was not made, is
        return await held.settle(idx, lambda tx, run, step: _not_made(held, tx, step, UNSAID))
    return await call(held, begun, before) if begun is not None else False


async def start_ready(held: Held) -> None:
    """Take the run up: it is running, and every unguarded step whose turn it is begins, in one transaction."""

    def work(tx: Tx, tried: set[int]) -> Any:
        run = lock(tx, held.id, held.fence)
        steps = runs.steps_of(tx, held.id)
        changes = Changes()
        if run.state in ("queued", "waiting"):
            changes.run["state"] = "running"
        if run.state == "queued":
            changes.run["started_at"] = tx.now
            changes.event("run.started", run=run.id, playbook=run.playbook, replica=held.house.replica)
        begun = None if held.stopping or run.stop_asked else ready(tx, held, run, steps, changes, tried)
        if changes.run or changes.steps:
            transition(tx, run, changes, steps)
        return begun

    await held.begin(work)


async def unsent(held: Held) -> None:
    """Starts whose commit was not answered: whether they are stored was not known then; that nothing was called, is."""
    for idx in sorted(held.unsent):
        await held.settle(idx, lambda tx, run, step: _not_made(held, tx, step, UNSAID))
        held.unsent.discard(idx)


async def call(held: Held, begun: Begun, before: float) -> bool:
    """Make the effect of a step that was begun. before: when (monotonic) its start was being written."""
    took = time.monotonic() - before
    if once(begun.action, begun.step) and took > held.house.lease_s * MARGIN:
        # The lease may have run out while the start was being written: the effect is not made.
        words = "Writing the start took longer than the lease allows"
        return await held.settle(begun.step.idx, lambda tx, run, step: _not_made(held, tx, step, words))
    return await _call(held, begun, begun.action.run if _acts(begun.action) else begun.action.look)


def _acts(action: Action) -> bool:
    """Whether the action brings a `run` of its own; questions to people are reads that do."""
    return type(action).run is not Action.run


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
    changes = Changes()

    def check(action: Action) -> None:
        unmoved(tx, run)
        check_approval(tx, held, run, step, action, approved)

    try:
        begun = begin(tx, held, run, steps, step, scope, changes, check=check)
    except Differs as differs:
        transition(tx, run, differs.changes)
        return None
    if begun is None:
        after = changes.steps.get(idx, {}).get("state")
        void(tx, step, changes, "the step is not done" if after == "skipped" else "the step cannot be done now")
        transition(tx, run, changes, steps)
        return None
    asked = runs.approval(tx, approved.id)
    assert asked is not None
    changes.approvals[approved.id] = after_start(asked, idx)
    transition(tx, run, changes, steps)
    return begun


async def _call(
    held: Held, begun: Begun, call: Callable[[Any], Awaitable[Outputs | Park]], *, resumed: bool = False
) -> bool:
    """Make the call and write its outcome. The engine's one catch-all: what nobody foresaw is `unknown`, never lost."""
    timeout = held.spec(begun.step.idx).timeout_s or begun.action.timeout_s
    try:
        async with asyncio.timeout(timeout):
            result = await call(begun.act)
    except Exception as error:  # the engine's step
        if not isinstance(error, MusterError | TimeoutError):
            log.exception("engine.unexpected", run=held.id, step=begun.step.idx, uses=begun.step.uses)
        problem = error  # `error` is unbound after this block
        return await held.settle(
            begun.step.idx, lambda tx, run, step: _raised(held, begun.action, tx, step, problem), begun.step.attempt
        )
    else:
        return await held.settle(
            begun.step.idx,
            lambda tx, run, step: outcomes.returned(held.context(begun.action, step, tx.now), result, resumed=resumed),
            begun.step.attempt,
        )


async def probe(held: Held, idx: int) -> bool:
    """Look again: a read that said "not yet"."""
    now, _, step, scope = await held.now(idx)
    action = held.action(step, scope)
    return await _call(held, Begun(action, step, scope, held.act(now, scope, step)), action.look)


async def resume(held: Held, idx: int) -> bool:
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
        return await held.settle(idx, lambda tx, run, step: _not_resumed(held, tx, step))
    if step is None:
        return False
    now, _, _, scope = await held.now(idx)
    action = held.action(step, scope)
    answer = Answer(**step.answer) if step.answer else None
    begun = Begun(action, step, scope, held.act(now, scope, step))
    return await _call(held, begun, lambda act: action.resume(act, answer), resumed=True)


def _not_resumed(held: Held, tx: Tx, step: Step) -> Changes:
    changes = Changes()
    if step.state == "started" and step.started_by == held.house.replica:
        asks = step.answer is not None or step.deadline is not None  # else it waited for its time, which came
        changes.steps[step.idx] = {"state": "parked", "wake_at": None if asks else tx.now}
    return changes


async def verify(held: Held, idx: int) -> bool:
    """One look whether the effect took; the next one is a time in the row, not a task."""
    now, _, step, scope = await held.now(idx)
    action = held.action(step, scope)
    world = held.world(now, scope, step)
    try:
        done = _outputs(action, step)
        async with asyncio.timeout(action.timeout_s):
            seen = await action.verify(world, done)
    except Exception as error:  # the engine's step: a look that fails in a way nobody foresaw is one that saw nothing
        if not isinstance(error, MusterError | TimeoutError):
            log.exception("engine.verify_unexpected", run=held.id, step=idx, uses=step.uses)
        failed = error  # `error` is unbound after this block
        return await held.settle(
            idx, lambda tx, run, step: outcomes.look_failed(held.context(action, step, tx.now), failed)
        )
    return await held.settle(idx, lambda tx, run, step: outcomes.looked(held.context(action, step, tx.now), seen))


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
