"""Asking for approval of a destructive step, and checking at the start that it is still exactly what was approved.

Belongs here: the request (plan, digest, rule snapshot, resource locks, paging), its expiry, the check at start.
Does not belong here: counting (approvals.py), votes people cast (voting.py), doing the step (doing.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

import structlog
from sqlalchemy import insert

from playbooks.action import UNDOES, Action, Plan, Risk
from playbooks.engine import alone
from playbooks.engine import approvals as rules
from playbooks.engine.covering import Part, as_now, bind_rest, covers, exact, staged
from playbooks.engine.held import Held, load
from playbooks.engine.outcomes import early, skip
from playbooks.engine.paging import call_again, first_call
from playbooks.engine.placing import unmoved
from playbooks.engine.quorum import candidates, count, groups_of, on_call_policy, rule_of
from playbooks.engine.scope import service_of
from playbooks.engine.spending import after_non_effect, spent
from playbooks.engine.transition import Changes, lock, transition
from playbooks.errors import MusterError, Refused, Temporary
from playbooks.policy import ApprovalRule
from storage import incidents, people, runs
from storage.db import Tx
from storage.joining import carried
from storage.runs import Approval, Run, Step
from storage.sql import insert_or
from storage.tables import approvals, locks

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Approved:
    """What was looked at just before the start: the approval, and what the step would do now."""

    id: str
    plan: Plan


class Differs(Exception):
    """At start, something is not as it was approved. `changes` says so and asks again or stops."""

    def __init__(self, changes: Changes) -> None:
        super().__init__("not as approved")
        self.changes = changes


@dataclass(frozen=True)
class _Looked:
    now: datetime
    run: Run
    step: Step
    scope: Mapping[str, Any]
    steps: list[Step]


async def _plan(held: Held, idx: int) -> tuple[_Looked, Action, Plan] | None:
    """Look at what the step would do now. None: it cannot be planned, and that is written."""

    def read(tx: Tx) -> _Looked:
        run, steps, scope = load(tx, held)
        return _Looked(tx.now, run, steps[idx - 1], scope, steps)

    looked, spec = await held.house.db.read(read), held.spec(idx)
    late = early(looked.step, looked.steps, spec.if_, spec.with_, looked.now)
    try:
        await held.house.db.read(lambda tx: unmoved(tx, looked.run))
        if why := held.why_not(looked.steps, looked.step, looked.scope):  # nobody is asked for what will not be done
            await held.settle(idx, lambda tx, run, step: _put_off(step, late) if late else _skipped(tx, step, why))
            return None
        action = held.action(looked.step, looked.scope)
        async with asyncio.timeout(action.timeout_s):
            plan = await action.plan(held.world(looked.now, looked.scope))
    except (MusterError, TimeoutError) as error:
        problem = error
        if late and isinstance(error, Refused):
            await held.settle(idx, lambda tx, run, step: _put_off(step, late))
        else:
            await held.settle(idx, lambda tx, run, step: _unplanned(held, tx, run, step, problem))
        return None
    return looked, action, plan


def _put_off(step: Step, late: Changes) -> Changes:
    """It waits for what an earlier step has yet to give, unless a person was quicker."""
    return late if step.state == "pending" else Changes()


def _skipped(tx: Tx, step: Step, why: str) -> Changes:
    if step.state not in ("pending", "held"):
        return Changes()  # a person was quicker
    changes = skip(step, why)
    void(tx, step, changes, "the step is not done")
    return changes


def _unplanned(held: Held, tx: Tx, run: Run, step: Step, error: BaseException) -> Changes:
    """Planning only reads: nothing happened. `Temporary` looks again; anything else fails the step, votes void."""
    changes = Changes()
    if step.state not in ("pending", "held"):
        return changes  # a person was quicker
    words = str(error) if isinstance(error, MusterError) else "Looking at what it would do took too long."
    temporary = isinstance(error, Temporary | TimeoutError)
    if temporary and step.tries < 5:
        wait = getattr(error, "retry_after", None) or 2.0**step.tries
        wake = tx.now + timedelta(seconds=wait)
        changes.steps[step.idx] = {"tries": step.tries + 1, "wake_at": wake, "note": words}
        return changes
    changes.steps[step.idx] = {"state": "failed", "error": words, "wake_at": None}
    changes.told("step.failed", step, texts={"error": words})
    void(tx, step, changes, "the step cannot be done now")
    return changes


def void(tx: Tx, step: Step, changes: Changes, why: str, state: str = "void") -> None:
    """End the step's live approval, if it has one: votes count for nothing any more, buttons are dead."""
    asked = runs.approval(tx, step.approval) if step.approval else None
    if asked is not None and asked.state in ("open", "granted"):
        changes.approvals[asked.id] = {"state": state, "reason": why}
        changes.event(f"approval.{state}", approval=asked.id, run=step.run, step=step.idx, why=why)


async def ask(held: Held, idx: int) -> None:
    """Ask for approval: look what would happen, lock the resources, write the request, page who is missing."""
    planned = await _plan(held, idx)
    if planned is None:
        return
    looked, action, plan = planned
    rest, alone_why = await bind_rest(held, looked.steps, looked.scope, looked.step, looked.now)
    parts = [exact(looked.step, action, plan), *rest]
    if held.house.directory is not None:
        rule = _rule(held, looked.run, [part.step for part in parts])
        await held.house.directory.refresh_for_vote(held.house.policy, groups_of(rule), None)
        if looked.run.service:
            await held.house.directory.refresh_oncall(held.house.policy, looked.run.service)

    def write(tx: Tx) -> None:
        run = lock(tx, held.id, held.fence)
        steps = runs.steps_of(tx, held.id)
        if steps[idx - 1].state == "pending" and not run.stop_asked and run.state not in ("paused", "aborted"):
            _ask(tx, held, run, [replace(part, step=steps[part.step.idx - 1]) for part in parts], alone_why)

    await held.house.db.write(write)


def _rule(held: Held, run: Run, steps: Sequence[Step]) -> ApprovalRule:
    """The rule for these steps together: what any of them asks for. Raises Refused when nobody could meet it."""
    policy = held.house.policy
    service = service_of(policy, run.service)
    named = run.site or run.active_site
    site = policy.sites.get(named) if named else policy.site_of(service)
    each = [
        policy.rule_for(Risk(step.risk), held.spec(step.idx).approvals, run.kind, site, service)
        for step in sorted(steps, key=lambda step: -step.risk)
    ]
    return reduce(ApprovalRule.with_all_of, each)


def _ask(tx: Tx, held: Held, run: Run, parts: Sequence[Part], alone_why: str) -> None:
    """Write the request for the first step, and with it for those that `parts` bind of the rest of its stage."""
    step, plan = parts[0].step, parts[0].shown
    rule = _rule(held, run, [part.step for part in parts])
    targets = tuple(dict.fromkeys(target for part in parts for target in part.targets))
    changes = Changes()
    for part in parts:
        void(tx, part.step, changes, "it is asked for again")
    if not _take_locks(tx, run, targets):
        refused = _held_by_other(tx, run, step, targets)
        refused.approvals |= changes.approvals
        refused.events[:0] = changes.events
        transition(tx, run, refused)
        return
    expires = tx.now + timedelta(seconds=rule.expires_s)
    number = len(runs.approvals_of(tx, run.id)) + 1
    barred = {
        **dict.fromkeys(run.editors, "editor"),
        **dict.fromkeys((who for part in parts for who in part.step.requesters), "retry"),
        run.requester: "requester",
    }
    barred = carried(tx, barred)  # who asked under a name that was joined to another's still asked
    mode = "contain" if Risk(step.risk) is Risk.CONTAIN else "quorum"
    bound = covers(run, [part.bound for part in parts], rule.model_dump(mode="json"), expires, mode=mode)
    shown = _shown(held, run, parts, alone_why)
    asked = {
        "id": f"{run.id}/{number}", "run": run.id, "idx": step.idx, "attempt": step.attempt,
        "digest": rules.digest(bound), "covers": bound, "rule": rule.model_dump(mode="json"), "plan": shown,
        "barred": barred, "state": "open", "opened_at": tx.now, "expires_at": expires, "paged": [],
        "mode": mode,
    }  # fmt: skip
    tx.conn.execute(insert(approvals).values(asked))
    for part in parts:
        changes.steps[part.step.idx] = {"approval": asked["id"], "plan": dict(part.shown)}
    changes.steps[step.idx] |= {"state": "held", "plan": shown, "wake_at": None, "tries": 0}
    changes.approvals[str(asked["id"])] = {}
    changes.event(
        "approval.requested", run.requester, approval=asked["id"], run=run.id, step=step.idx, uses=step.uses,
        digest=asked["digest"], effect=shown["effect"], targets=list(targets), data_loss=plan.get("data_loss", ""),
        expires_at=expires, people=rule.people, rule=rule.model_dump(mode="json"), mode=mode,
        stage=shown.get("stage"), steps=[part.step.idx for part in parts],
    )  # fmt: skip
    able = candidates(tx, rule, barred, on_call_policy(held.house.policy, run))
    if not able.reachable:
        changes.event("approval.unreachable", approval=asked["id"], run=run.id, step=step.idx)
    changes.approvals[str(asked["id"])]["reason"] = able.why_not or None
    changes.approvals[str(asked["id"])]["paged"] = first_call(tx, held.house, run, asked, rule, able)
    transition(tx, run, changes)


def _shown(held: Held, run: Run, parts: Sequence[Part], alone_why: str) -> dict[str, Any]:
    """What the card shows: the step's own plan; of a stage every step in order, and the worst of what they say."""
    service = service_of(held.house.policy, run.service)
    worst = max(part.step.risk for part in parts)
    shown = {
        **parts[0].shown,
        "risk": Risk(worst).word,
        "rpo_s": int(service.rpo.total_seconds()) if service else None,
        "of": len(held.playbook.steps),
    }
    if alone_why:
        shown["notes"] = [*shown.get("notes", ()), alone_why]
    return shown if len(parts) < 2 else staged(str(held.spec(parts[0].step.idx).stage), parts, shown)


def _take_locks(tx: Tx, run: Run, targets: tuple[str, ...]) -> bool:
    origin = runs.undone_by(tx, run.id) if run.playbook.startswith(UNDOES) else None
    before = runs.get(tx, origin, lock=True) if origin else None
    if before is not None and before.state == "paused":  # it waits for a person, who chose this; later it asks again
        runs.hand_over(tx, before.id, run.id, targets)
    for target in sorted(targets):
        row = {"resource": target, "run": run.id, "person": run.requester, "since": tx.now}
        tx.conn.execute(insert_or(tx, locks).values(row).on_conflict_do_nothing(index_elements=[locks.c.resource]))
    return all(held.run == run.id for held in runs.holders(tx, targets))


def _held_by_other(tx: Tx, run: Run, step: Step, targets: Collection[str]) -> Changes:
    """The second asker is told who holds it, since when, and how to free it."""
    other = next(held for held in runs.holders(tx, targets) if held.run != run.id)
    who = people.name(tx, other.person)
    words = (
        f"{other.resource} is held by run {other.run} (asked by {who}) since {other.since:%H:%M} UTC. "
        f"Wait for it, or end it with `/playbook abort {other.run}`, then `/playbook retry {run.id}`."
    )
    changes = Changes()
    changes.steps[step.idx] = {"state": "failed", "error": words, "wake_at": None}
    changes.told("step.failed", step, held_by=other.run, texts={"error": words})
    return changes


async def expire(held: Held, idx: int) -> None:
    """No answer by the deadline is a refusal. The database's clock says when that is."""

    def decide(tx: Tx, run: Run, step: Step) -> Changes:
        asked = runs.approval(tx, step.approval) if step.approval else None
        changes = Changes()
        if asked is None or asked.state not in ("open", "granted") or not rules.expired(tx.now, asked.expires_at):
            return changes
        by = f"{asked.expires_at:%H:%M:%S} UTC"
        late = "The step did not begin before its approval expired at" if asked.state == "granted" else ""
        words = f"{late or 'Nobody completed the approval by'} {by}. Ask again with `/playbook retry {run.id}`."
        if step.state in ("held", "pending"):
            changes.steps[idx] = {"state": "failed", "error": words, "wake_at": None}
        void(tx, step, changes, "it was not used in time" if late else "nobody completed it in time", "expired")
        changes.told("step.failed", step, texts={"error": words})
        return changes

    await held.settle(idx, decide)


async def look_before_start(held: Held, idx: int) -> Approved | None:
    """Just before a destructive start: refresh who the people are, and look again at what would happen."""

    def granted(tx: Tx) -> Approval | None:
        step = runs.steps_of(tx, held.id)[idx - 1]
        asked = runs.approval(tx, step.approval) if step.approval else None
        return asked if asked is not None and asked.state == "granted" else None

    asked = await held.house.db.read(granted)
    if asked is None:
        return None
    if held.house.directory is not None:
        rule = rule_of(asked)
        votes = await held.house.db.read(lambda tx: runs.votes_on(tx, asked.id))
        voters = [(vote.account_kind, vote.account_id) for vote in votes]
        await held.house.directory.refresh_for_vote(held.house.policy, groups_of(rule), None, voters)
    planned = await _plan(held, idx)
    return Approved(asked.id, planned[2]) if planned is not None else None


def check_approval(tx: Tx, held: Held, run: Run, step: Step, action: Action, approved: Approved) -> None:
    """Inside the start's transaction: still granted, still in time, the same digest, and the people still count."""
    asked = runs.approval(tx, approved.id)
    if asked is None or asked.state != "granted" or step.approval != asked.id:
        raise Differs(Changes())
    if rules.expired(tx.now, asked.expires_at):
        raise Differs(Changes())  # the next look expires it
    parts = asked.covers["steps"]
    if [part["index"] for part in parts].count(step.idx) != 1 or spent(asked, step.idx):
        raise Differs(_ask_again(step, asked, "it was used for this step already"))
    now = [as_now(part, step, action, approved.plan) if part["index"] == step.idx else part for part in parts]
    bound = covers(run, now, asked.rule, asked.expires_at, mode=asked.mode, overrides=asked.overrides)
    if rules.digest(bound) != asked.digest:
        raise Differs(_ask_again(step, asked, "what would happen changed"))
    tally = count(tx, asked)
    if not tally.satisfied and asked.mode == "break-glass":
        raise Differs(_ask_again(step, asked, "who broke the glass may not any more"))
    if not tally.satisfied:
        changes = Changes()
        changes.approvals[asked.id] = {"state": "open", "decided_at": None}
        dropped = {person: verdict.why for person, verdict in tally.dropped.items()}
        changes.event("approval.recounted", approval=asked.id, run=run.id, step=step.idx, dropped=sorted(dropped))
        if step.state == "pending":
            changes.steps[step.idx] = {"state": "held"}
        changes.approvals[asked.id]["paged"] = call_again(tx, held.house, run, asked, tally.counted)
        raise Differs(changes)
    if run.incident:
        incidents.decided(tx, run.incident)
    if not _take_locks(tx, run, approved.plan.targets):
        raise Refused(str(_held_by_other(tx, run, step, approved.plan.targets).steps[step.idx]["error"]))
    if asked.mode == "contain":
        alone.acts(tx, held.house, run, asked, tally.counted[0])


def _ask_again(step: Step, asked: Approval, why: str) -> Changes:
    """This approval ends; the step's next turn asks for another one."""
    changes = Changes()
    changes.steps[step.idx] = {"state": "pending", "approval": None, "note": f"{why}: asking again"}
    if step.state == "pending":
        changes.steps[step.idx].pop("state")
    changes.approvals[asked.id] = {"state": "void", "reason": why}
    changes.event("approval.void", approval=asked.id, run=step.run, step=step.idx, why=why)
    return changes


def keep_approval(tx: Tx, step: Step, changes: Changes) -> None:
    """A proven non-effect keeps its approval, once, before it expires."""
    used = runs.approval(tx, step.approval) if step.approval else None
    again = after_non_effect(used, step.idx) if used is not None and used.expires_at > tx.now else None
    if used is not None and again is not None:
        changes.approvals[used.id] = again
        changes.event("approval.kept", approval=used.id, run=step.run, step=step.idx)
