"""What came of an action's call, and what that means for its step: one place that sorts errors by who must act.

Belongs here: turning outputs and exceptions into step changes (pure). Does not belong here: calling actions or writing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from playbooks.action import Action, Again, Outputs, Park, Question, Seen, find
from playbooks.engine.moves import STEP_ENDED, check
from playbooks.engine.next import EARLY
from playbooks.engine.transition import Changes
from playbooks.engine.values import condition_references, references
from playbooks.errors import MusterError, NotConfigured, NotYet, Refused, Temporary, Uncertain
from storage.runs import Step
from storage.types import from_iso, iso

CAP = 4000
TRIES = {Again.SAFE: 3, Again.KEYED: 4, Again.NEVER: 2}
SLOWEST_S = 30.0
SOON_S, PACE_S = 0.2, 2.0  # between two looks of `verify`: right after the effect, and later on
EARLY_S = 5.0  # who gives it wakes who waits for it; this is for what other writers change


@dataclass(frozen=True)
class Context:
    """What the sorting needs to know. now: database time; tries: how often a `Temporary` is tried, in all."""

    action: Action
    step: Step
    now: datetime
    tries: int
    late: bool = False


def capped(outputs: Outputs) -> dict[str, Any]:
    """Outputs as JSON values, every text at most CAP characters."""
    return {key: _cap(value) for key, value in outputs.model_dump(mode="json").items()}


def _cap(value: Any) -> Any:
    if isinstance(value, str) and len(value) > CAP:
        return value[: CAP - 1] + "…"
    if isinstance(value, list):
        return [_cap(item) for item in value]
    return {key: _cap(item) for key, item in value.items()} if isinstance(value, dict) else value


def as_json(value: Any) -> str:
    """Compact JSON with sorted keys, for texts beside the chain."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def returned(ctx: Context, result: Outputs | Park, *, resumed: bool = False) -> Changes:
    """`run` or `look` (resumed: `resume`) came back."""
    if isinstance(result, Park):
        return _parked(ctx, result, resumed)
    step, action, changes = ctx.step, ctx.action, Changes()
    outputs = capped(result)
    said = action.say(result)
    changes.told("step.done", step, late=ctx.late, texts={"outputs": as_json(outputs)})
    changes.facts = {fact: outputs[name] for fact, name in action.facts.items()}
    values: dict[str, Any] = {"outputs": outputs, "done_at": ctx.now, "error": None, "note": said, "wake_at": None}
    if type(action).verify is Action.verify:
        changes.told("step.succeeded", step, texts={"said": said})
        changes.steps[step.idx] = {**values, "state": "succeeded"}
    else:
        deadline = ctx.now + timedelta(seconds=within(ctx))
        changes.steps[step.idx] = {**values, "state": "done", "deadline": deadline}
    return changes


def within(ctx: Context) -> float:
    """Seconds a probe or verify may keep looking: the step's own `within` (kept in its plan column) or the action's."""
    own = (ctx.step.plan or {}).get("within_s")
    return float(own) if own is not None else ctx.action.within_s()


def _parked(ctx: Context, park: Park, resumed: bool) -> Changes:
    """It waits for a person, a time, or whichever comes first. resumed: what was said did not do, so it is asked anew;
    else what people said before a crash of this very attempt still counts."""
    step, changes = ctx.step, Changes()
    values: dict[str, Any] = {"state": "parked", "answer": None, "question": None, "wake_at": None, "deadline": None}
    if park.wake_in_s is not None or park.question is None:
        values["wake_at"] = ctx.now + timedelta(seconds=park.wake_in_s or 1.0)
        changes.told("step.parked", step, until=values["wake_at"])
    if park.question is not None:
        known = step.question or {}
        if not resumed and known.get("text") == park.question.text and known.get("due_at"):
            values |= {"question": known, "answer": step.answer}
        else:
            values["question"] = opened(park.question, ctx.now)
            changes.told("step.asked", step, who=park.question.who, people=park.question.people)
        values["deadline"] = next_look(values["question"]) if values["wake_at"] is None else None
    changes.steps[step.idx] = values
    return changes


def opened(question: Question, now: datetime) -> dict[str, Any]:
    """A question as its step keeps it: what is asked, of whom so far (`asked`), when it is due, each item's state."""
    kept = json.loads(as_json(question.__dict__))
    for item in kept["items"]:
        due_s = item.pop("due_s", None)
        due_at = iso(now + timedelta(seconds=due_s)) if due_s is not None else None
        item |= {"state": "open", "by": "", "at": "", "reason": "", "due_at": due_at, "reminded": False}
    due_at = iso(now + timedelta(seconds=question.due_in_s))
    return {**kept, "asked": [question.who], "due_at": due_at, "given": [], "paged": []}


def next_look(question: Mapping[str, Any]) -> datetime:
    """When silence must be looked at next: the question's own time, or that of an open item nobody was reminded of."""
    open_ = (item for item in question.get("items") or () if item["state"] == "open" and not item["reminded"])
    return min(from_iso(due) for due in [question["due_at"], *(item["due_at"] for item in open_)] if due)


def raised(ctx: Context, error: BaseException) -> Changes:
    """`run` (or `look`, `resume`) raised. Which exception says what is known about the effect."""
    match error:
        case NotYet():
            return _not_yet(ctx, error)
        case NotConfigured() if ctx.step.on_failure == "continue":
            return skipped(ctx, str(error))
        case Temporary():
            return _temporary(ctx, error)
        case Refused():
            return failed(ctx, str(error))
        case Uncertain():
            return _uncertain(ctx, str(error))
        case TimeoutError():
            return _uncertain(ctx, f"No answer within {ctx.action.timeout_s:.0f} s.")
        case MusterError():
            return failed(ctx, str(error))
    return _uncertain(ctx, f"An unexpected {type(error).__name__} in {ctx.step.uses}: a fault in Muster, see its log.")


def _not_yet(ctx: Context, error: NotYet) -> Changes:
    step, changes = ctx.step, Changes()
    deadline = step.deadline or ctx.now + timedelta(seconds=within(ctx))
    if ctx.now >= deadline:
        return failed(ctx, f"Not within {within(ctx):.0f} s. Last seen: {error.message}")
    wake = min(ctx.now + timedelta(seconds=error.again_in), deadline)
    changes.steps[step.idx] = {"wake_at": wake, "deadline": deadline, "note": error.message}
    return changes


def _temporary(ctx: Context, error: Temporary) -> Changes:
    """The effect certainly did not happen: the same attempt again, later, with the same key."""
    step, changes = ctx.step, Changes()
    tries = step.tries + 1
    if tries >= ctx.tries:
        return failed(ctx, f"{error} Tried {tries} times.")
    wait = error.retry_after if error.retry_after is not None else min(2.0 ** (tries - 1), SLOWEST_S)
    values = {"state": "pending", "tries": tries, "wake_at": ctx.now + timedelta(seconds=wait), "note": str(error)}
    changes.steps[step.idx] = {**values, "error": str(error)}
    changes.told("step.retrying", step, tries=tries, of=ctx.tries, in_s=f"{wait:.1f}", texts={"error": str(error)})
    return changes


def _uncertain(ctx: Context, message: str) -> Changes:
    """The effect may have happened. Keyed and safe steps are repeated; the others are looked for."""
    action, step = ctx.action, ctx.step
    if action.again is not Again.NEVER:
        repeat = Temporary(f"{message} It is repeated with the same key.")
        return _temporary(ctx, repeat)
    changes = Changes()
    changes.steps[step.idx] = {"state": "unknown", "note": message, "error": message, "wake_at": None, "tries": 0}
    changes.told("step.unknown", step, texts={"error": message})
    return changes


def not_happened(ctx: Context, evidence: str, tries: int) -> Changes:
    """Looking proved, for the tries-th time, that nothing happened: again, later each time, and not for ever."""
    step, changes = ctx.step, Changes()
    words = f"It did not happen: {evidence}"
    if tries >= ctx.tries:
        return failed(ctx, f"{step.error or 'Its outcome was lost.'} {words} Tried {tries} times.")
    values: dict[str, Any] = {"state": "pending", "tries": tries, "note": words, "wake_at": None}
    if step.error:  # sent and not answered; what a lost replica left is simply begun again
        values["wake_at"] = ctx.now + timedelta(seconds=min(2.0 ** (tries - 1), SLOWEST_S))
    changes.steps[step.idx] = values
    return changes


def failed(ctx: Context, message: str) -> Changes:
    """It ended badly; under `on-failure: pause` the run pauses, a person chooses."""
    step, changes = ctx.step, Changes()
    check("step", step.state, "failed")
    changes.steps[step.idx] = {"state": "failed", "error": message, "note": None, "wake_at": None}
    changes.told("step.failed", step, texts={"error": message})
    return changes


def skipped(ctx: Context, reason: str) -> Changes:
    """It is not done, visibly: its condition is false, or its integration is missing."""
    return skip(ctx.step, reason)


def skip(step: Step, reason: str, *, actor: str = "muster") -> Changes:
    """A step not done, with the reason."""
    changes = Changes()
    changes.steps[step.idx] = {"state": "skipped", "note": reason, "wake_at": None}
    changes.told("step.skipped", step, actor, texts={"reason": reason})
    return changes


def looked(ctx: Context, seen: Seen) -> Changes:
    """One look of `verify`."""
    step, changes = ctx.step, Changes()
    if seen.ok:
        said = seen.text or (step.note or "")
        changes.facts = dict(seen.facts)
        if ctx.action.moves_service:
            changes.placed[step.idx] = {name: (step.outputs or {})[name] for name in ("service", "site")}
        changes.steps[step.idx] = {"state": "succeeded", "note": said, "wake_at": None}
        if seen.outputs is None:
            changes.told("step.succeeded", step, texts={"said": said})
            return changes
        outputs = capped(seen.outputs)
        changes.steps[step.idx]["outputs"] = outputs
        changes.told("step.succeeded", step, texts={"said": said, "outputs": as_json(outputs)})
        return changes
    late = step.deadline is not None and ctx.now >= step.deadline
    if seen.ok is False or late:
        words = seen.text if seen.ok is False else f"Not seen within {within(ctx):.0f} s. Last seen: {seen.text}"
        return failed(ctx, words)
    wake = ctx.now + timedelta(seconds=_pace(ctx) if seen.again_in is None else seen.again_in)
    if step.deadline is not None:
        wake = min(wake, step.deadline)
    changes.steps[step.idx] = {"wake_at": wake, "note": seen.text}
    return changes


def _pace(ctx: Context) -> float:
    """Most effects show within moments, and people wait for them: half as long again each time as has gone by."""
    gone = (ctx.now - ctx.step.done_at).total_seconds() if ctx.step.done_at else PACE_S
    return min(PACE_S, max(SOON_S, gone / 2))


def look_failed(ctx: Context, error: BaseException) -> Changes:
    """A look of `verify` raised: that says nothing about the effect. Look again until the deadline."""
    wait = error.retry_after if isinstance(error, Temporary) and error.retry_after else 2.0
    words = str(error) if isinstance(error, MusterError) else f"looking failed: {type(error).__name__}"
    if isinstance(error, NotConfigured) and ctx.action.moves_service:
        return failed(ctx, f"It cannot be verified, so where the service is active stays as it was. {words}")
    if isinstance(error, NotConfigured):
        return looked(ctx, Seen(ok=True, text=f"{ctx.step.note or 'done'} (not verified: {words})"))
    return looked(ctx, Seen(ok=None, text=words, again_in=wait))


def early(
    step: Step, steps: Sequence[Step], condition: str | None, params: Mapping[str, Any], now: datetime
) -> Changes | None:
    """What an earlier step that goes on has yet to give is not missing, and a condition on it not false: it is early.

    So a channel that opens at its second attempt still gets its topic, and a ticket made so its link. None: all that it
    reads is decided.
    """
    asked = condition_references(condition) if condition else set()
    facts = {path[1] for path in asked if path[0] == "incident" and len(path) > 1}
    read = {path[1] for path in asked | references(params) if path[0] == "steps" and len(path) > 1}
    earlier = steps[: step.idx - 1] if step.state == "pending" else ()
    for other in (one for one in earlier if one.state not in STEP_ENDED):
        made_by = find(other.uses)
        if (other.id in read and other.outputs is None) or (made_by is not None and facts & set(made_by.facts)):
            note = f"{EARLY}{other.idx} {other.uses}"
            return Changes(steps={step.idx: {"wake_at": now + timedelta(seconds=EARLY_S), "note": note}})
    return None
