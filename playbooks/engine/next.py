"""What a run does next: a pure function of its rows and the database's time.

Belongs here: order, lanes, waiting, ending. Does not belong here: doing anything, or looking anything up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Literal

from playbooks.action import Risk
from playbooks.engine.moves import STEP_BAD, STEP_ENDED
from playbooks.engine.spending import spent
from storage.runs import Approval, Run, Step

EARLY = "waits for step "  # how the note of a step begins that reads what an earlier one has yet to give
Kind = Literal["start", "ask", "expire", "probe", "resume", "overdue", "verify", "lost", "reconcile"]


@dataclass(frozen=True)
class Do:
    """One thing to do for one step (idx). Things for different steps may be done at the same time."""

    kind: Kind
    idx: int


@dataclass
class Next:
    """do: now; wake_at: when to look again (None: only when rows change); then at most one of end and pause."""

    do: list[Do] = field(default_factory=list)
    wake_at: datetime | None = None
    end: str | None = None
    pause: str | None = None

    def wait(self, until: datetime | None) -> None:
        """Look again no later than `until`."""
        if until is not None and (self.wake_at is None or until < self.wake_at):
            self.wake_at = until


def next_moves(
    run: Run,
    steps: Sequence[Step],
    approvals: Mapping[str, Approval],
    now: datetime,
    flying: Collection[int] = (),
) -> Next:
    """What to do now. flying: steps this very process is busy with (only those are not lost when they say started)."""
    found = Next()
    if run.state in ("succeeded", "incomplete", "aborted"):
        return found
    current = [] if run.state == "paused" else list(_current(steps))
    lost = [step for step in steps if _is_lost(step, flying)]
    if run.stop_asked:
        found.do = [Do("lost", step.idx) for step in lost]
        wondering = (step for step in steps if step.state == "unknown" and step.idx not in flying)
        found.do += [Do("reconcile", step.idx) for step in wondering]  # now, not at its next look: people wait
        if not found.do and not flying:
            ends = run.stop_asked == "abort"
            found.end, found.pause = ("aborted", None) if ends else (None, "a person paused it")
        return found
    blocking = next((s for s in steps if s.state in STEP_BAD and s.on_failure == "pause"), None)
    if blocking is not None:  # what is under way is brought to its end, nothing new begins
        current = [step for step in current if step.state in ("started", "done", "unknown")]
    for step in current:
        if do := _one(step, approvals, now, flying, found):
            found.do.append(do)
    if found.do or flying:
        return found
    if blocking is not None and any(step.state == "unknown" for step in current):
        return found  # first find out what happened: a paused run looks no more
    if blocking is not None:
        found.pause = f"step {blocking.idx} {blocking.uses} {blocking.state}"
    elif all(step.state in STEP_ENDED for step in steps):
        found.end = "incomplete" if any(step.state in STEP_BAD for step in steps) else "succeeded"
    return found


def _current(steps: Sequence[Step]) -> Iterable[Step]:
    """The steps whose turn it is: one per lane of the open group, and lanes of earlier groups still retrying."""
    for _, segment in groupby(steps, key=lambda step: step.grp or f"#{step.idx}"):
        lanes: dict[str | None, list[Step]] = {}
        for step in segment:
            lanes.setdefault(step.lane, []).append(step)
        heads = [head for lane in lanes.values() if (head := _head(lane)) is not None]
        yield from (head for head in heads if head.state not in STEP_ENDED)
        if not all(_retrying(head) for head in heads):
            return


def _head(lane: Sequence[Step]) -> Step | None:
    """The first step of a lane that has not ended, or that failed and stops what follows."""
    for step in lane:
        if step.state not in STEP_ENDED or (step.state in STEP_BAD and step.on_failure == "pause"):
            return step
    return None


def _retrying(step: Step) -> bool:
    """Whether what follows the group may go on: this step is tried again later, waits for one that is, or is made and
    only being looked at."""
    waits = (step.state == "pending" and (step.tries > 0 or is_early(step))) or step.state == "done"
    return waits and step.on_failure == "continue"


def is_early(step: Step) -> bool:
    """Whether it was put off (outcomes.early): it has not been tried, and waits for what an earlier step will give."""
    return step.state == "pending" and step.tries == 0 and (step.note or "").startswith(EARLY)


def _is_lost(step: Step, flying: Collection[int]) -> bool:
    """Started, nobody here is busy with it, and it is no probe between two looks: its outcome was lost."""
    return step.state == "started" and step.wake_at is None and step.idx not in flying


def _one(
    step: Step, approvals: Mapping[str, Approval], now: datetime, flying: Collection[int], found: Next
) -> Do | None:
    if step.idx in flying:
        return None
    if _is_lost(step, flying):
        return Do("lost", step.idx)
    if step.wake_at is not None and step.wake_at > now and not step.answer:
        found.wait(step.wake_at)
        return None
    match step.state:
        case "pending":
            return _pending(step, approvals, now, found)
        case "held":
            return _held(step, approvals, now, found)
        case "started":
            return Do("probe", step.idx)
        case "parked":
            return _parked(step, now, found)
        case "done":
            return Do("verify", step.idx)
        case "unknown":
            return Do("reconcile", step.idx)
    return None


def _pending(step: Step, approvals: Mapping[str, Approval], now: datetime, found: Next) -> Do | None:
    if not Risk(step.risk).guarded:
        return Do("start", step.idx)
    kept = approvals.get(step.approval or "")
    if kept is None or kept.state not in ("open", "granted") or spent(kept, step.idx):
        return Do("ask", step.idx)
    return _held(step, approvals, now, found)  # of its stage, or kept: as good as held


def _held(step: Step, approvals: Mapping[str, Approval], now: datetime, found: Next) -> Do | None:
    approval = approvals.get(step.approval or "")
    if approval is None or approval.state not in ("open", "granted"):
        return None
    if approval.expires_at <= now:
        return Do("expire", step.idx)
    if approval.state == "granted":
        return Do("start", step.idx)
    found.wait(approval.expires_at)
    return None


def _parked(step: Step, now: datetime, found: Next) -> Do | None:
    if step.answer is not None or step.wake_at is not None:  # answered, or the time came
        return Do("resume", step.idx)
    if step.deadline is not None and step.deadline <= now:
        return Do("overdue", step.idx)
    found.wait(step.deadline)
    return None
