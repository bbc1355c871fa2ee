"""Every legal change of a status, with its reason. What is not here cannot happen.

Belongs here: the tables (run, step, approval, decision, review) and the check. Does not belong here: who decides on a
move (next.py, requests.py, deciding.py, reviewing.py) or who writes it (transition.py, deciding.py).
"""

from __future__ import annotations

RUN_MOVES: dict[tuple[str, str], str] = {
    ("queued", "running"): "a replica took it",
    ("queued", "paused"): "a person paused it before it began",
    ("queued", "aborted"): "a person aborted it before it began",
    ("running", "waiting"): "nothing to do until a person answers or a time comes",
    ("running", "paused"): "a step failed, or a person paused it",
    ("running", "succeeded"): "every step ended well",
    ("running", "incomplete"): "every step ended, some of them badly, under on-failure: continue",
    ("running", "aborted"): "a person aborted it and nothing is in flight",
    ("waiting", "running"): "what it waited for came",
    ("waiting", "paused"): "a person paused it",
    ("waiting", "aborted"): "a person aborted it",
    ("paused", "running"): "a person chose retry, skip or resume",
    ("paused", "aborted"): "a person aborted it",
    ("incomplete", "running"): "a person chose retry of a step that ended badly",
}

STEP_MOVES: dict[tuple[str, str], str] = {
    ("pending", "held"): "it is destructive: an approval was asked for",
    ("pending", "started"): "the effect is about to be made",
    ("pending", "skipped"): "its condition is false, its integration is missing, or a person skipped it",
    ("pending", "failed"): "its parameters or preconditions do not hold",
    ("pending", "aborted"): "the run was aborted",
    ("held", "started"): "the quorum stands and everything is as approved",
    ("held", "pending"): "what would happen changed: ask again",
    ("held", "failed"): "denied, expired, or a precondition fails now",
    ("held", "skipped"): "a person skipped it",
    ("held", "aborted"): "the run was aborted",
    ("started", "pending"): "the outside said not now, the effect did not happen: try again",
    ("started", "parked"): "it waits for a person's answer or a time",
    ("started", "done"): "the effect was made; now look whether it took",
    ("started", "succeeded"): "it was made and there is nothing more to look at",
    ("started", "failed"): "the outside refused; the effect did not happen",
    ("started", "skipped"): "its integration is not configured here",
    ("started", "unknown"): "its outcome was lost",
    ("started", "aborted"): "a probe was still looking when the run was aborted",
    ("parked", "started"): "the answer or the time came",
    ("parked", "failed"): "nobody answered in time, or the answer was no",
    ("parked", "skipped"): "a person skipped it",
    ("parked", "aborted"): "the run was aborted",
    ("done", "succeeded"): "the world shows it",
    ("done", "failed"): "the world does not show it",
    ("done", "skipped"): "a person accepted it without verification",
    ("done", "aborted"): "the run was aborted before the look was finished",
    ("unknown", "pending"): "repeating is safe, or looking proved that it did not happen",
    ("unknown", "failed"): "looking proved, as often as it may be tried, that it did not happen",
    ("unknown", "done"): "looking proved that it happened",
    ("unknown", "asking"): "looking cannot tell: a person must",
    ("unknown", "uncertain"): "looking cannot tell, and it is not destructive",
    ("unknown", "aborted"): "the run was aborted",
    ("asking", "done"): "a person says it happened",
    ("asking", "pending"): "a person says it did not happen: ask for approval again",
    ("asking", "aborted"): "a person aborted the run",
    ("failed", "pending"): "a person chose retry",
    ("failed", "skipped"): "a person chose skip",
    ("uncertain", "pending"): "a person chose retry",
    ("uncertain", "skipped"): "a person chose skip",
    ("skipped", "pending"): "the step it was skipped for is tried again: its condition is looked at anew",
    ("uncertain", "done"): "the lost outcome came in late: it happened",
}

APPROVAL_MOVES: dict[tuple[str, str], str] = {
    ("open", "granted"): "the quorum is there",
    ("open", "denied"): "an eligible person said no",
    ("open", "expired"): "nobody completed the quorum in time",
    ("open", "void"): "what would happen changed, or the run ended",
    ("granted", "open"): "an approver withdrew or is no longer eligible",
    ("granted", "used"): "the step started",
    ("granted", "expired"): "it was not used in time",
    ("granted", "void"): "what would happen changed, or the run ended",
    ("granted", "denied"): "an eligible person said no before the start",
    ("used", "granted"): "the first attempt was proven not to have happened: kept once",
}

DECISION_MOVES: dict[tuple[str, str], str] = {
    ("open", "done"): "the people it takes agreed, and it is done",
    ("open", "denied"): "somebody who could agree said no",
    ("open", "expired"): "nobody completed it in time",
    ("open", "void"): "what it was about is no more, or was decided otherwise",
}

REVIEW_MOVES: dict[tuple[str, str], str] = {
    ("open", "accepted"): "a second person finds it right",
    ("open", "objected"): "a second person finds it wrong",
}

RUN_ENDED = frozenset({"succeeded", "incomplete", "aborted"})
STEP_ENDED = frozenset({"succeeded", "failed", "skipped", "uncertain", "aborted"})
STEP_BAD = frozenset({"failed", "uncertain"})
APPROVAL_LIVE = frozenset({"open", "granted"})

_TABLES = {"run": RUN_MOVES, "step": STEP_MOVES, "approval": APPROVAL_MOVES, "decision": DECISION_MOVES,
           "review": REVIEW_MOVES}  # fmt: skip


class IllegalMove(Exception):
    """A status change that does not stand in the table: a bug, never a person's mistake."""


def check(what: str, before: str, after: str) -> str:
    """The reason of a move; raises IllegalMove when it is not in the table. what: the table's name."""
    try:
        return _TABLES[what][(before, after)]
    except KeyError:
        raise IllegalMove(f"{what}: {before} -> {after} is not a legal move") from None
