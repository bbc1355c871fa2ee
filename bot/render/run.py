"""The run card: one message per run, one line per step, edited as steps change (story.md, 14:09).

Belongs here: the marks, durations, what is seen now, what a person may press. Does not belong here: what may be pressed
in fact (engine/requests.py decides when the line is dispatched).
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.blocks import Drawn, buttons, drawn, escape, hms, person
from bot.render.facts import ENDED, Around, names, took
from commands.command import Button
from playbooks.action import find
from playbooks.durations import words
from playbooks.engine.leftovers import leftovers
from playbooks.policy import Policy
from storage import incidents, reviews, runs
from storage.db import Tx
from storage.incidents import Incident
from storage.reviews import Review
from storage.runs import Run, Step

MARKS = {
    "pending": "○", "held": "🔐", "started": "⏳", "parked": "🙋", "done": "⏳", "succeeded": "✅", "failed": "❌",
    "skipped": "⏭", "unknown": "❓", "asking": "❓", "uncertain": "❓", "aborted": "⏹",
}  # fmt: skip
BUSY = ("started", "parked", "done", "held", "unknown", "asking")
BAD = ("failed", "uncertain")
STEPS_MOST = 30


@dataclass(frozen=True)
class RunFacts:
    """A run with its steps, the incident it belongs to, reviews of what one person decided alone, and what is left:
    steps whose change nobody took back or accepted."""

    run: Run
    steps: tuple[Step, ...]
    incident: Incident | None
    reviews: tuple[Review, ...] = ()
    left: tuple[Step, ...] = ()


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[RunFacts, Around] | None:
    """The rows behind the card of INC-42/2."""
    run = runs.get(tx, subject)
    if run is None:
        return None
    incident = incidents.get(tx, run.incident) if run.incident else None
    alone = tuple(reviews.of_run(tx, subject))
    ids = [run.requester, *(one.person for one in alone), *(one.reviewed_by for one in alone)]
    around = Around(policy, url, tx.now, names(tx, ids))
    steps = tuple(runs.steps_of(tx, subject))
    return RunFacts(run, steps, incident, alone, tuple(leftovers(tx, steps, policy))), around


def draw(facts: RunFacts, around: Around) -> Drawn:
    """The card."""
    steps = facts.steps[:STEPS_MOST]
    left = len(facts.steps) - len(steps)
    lines = [_line(step) for step in steps] + ([f"… and {left} more steps"] if left else [])
    head = _head(facts, around)
    parts = [head, "\n".join(lines)]
    if end := _end(facts, around):
        parts.append(end)
    if over := _left(facts):
        parts.append(over)
    parts += [_review(one, around) for one in facts.reviews]
    return drawn([*parts, *buttons([*_buttons(facts), *_review_buttons(facts)])], text=head)


def _head(facts: RunFacts, around: Around) -> str:
    run = facts.run
    whose = f" for {run.incident}" if run.incident else ""
    kind = f" · {run.kind.upper()}" if run.kind != "real" else ""
    name = f"*{escape(run.playbook)}*"
    asked = f"asked by *{around.name(run.requester)}* · {run.id}"
    lasted = took(run.ended_at - run.created_at) if run.ended_at else ""
    now = next((step for step in facts.steps if step.state in BUSY), None)
    since = f" since {hms(now.started_at)}" if now and now.started_at else ""
    at = f"step {now.idx} of {len(facts.steps)}{since}" if now else f"{len(facts.steps)} steps"
    bad = sum(step.state in BAD for step in facts.steps)
    why = f": {person(run.reason, 300)}" if run.reason else ""
    return {
        "succeeded": f"✅ {name} *finished*{whose} in {lasted}{kind} · {asked}",
        "incomplete": f"⚠️ {name} *ended with {bad} failed*{whose} after {lasted}{kind} · {asked}",
        "aborted": f"⏹ {name} *aborted*{whose} after {lasted}{kind}{why} · {asked}",
        "paused": f"⏸ {name}{whose} *paused*{why}{kind} · {asked}",
    }.get(run.state, f"▶️ {name}{whose} · {at}{kind} · {asked}")


def _line(step: Step) -> str:
    """`✅ 1 aws.rds_describe (0.4 s) writer in eu-north-1a`; the busy one bold, with what is seen now."""
    mark = MARKS.get(step.state, "○")
    name = f"{step.idx} {escape(step.uses)}"
    busy = step.state in BUSY
    ended = step.ended_at or step.done_at
    time = f" ({took(ended - step.started_at)})" if ended and step.started_at and not busy else ""
    text = f"{mark} *{name}*" if busy else f"{mark} {name}"
    return f"{text}{time}{_seen(step)}"


def _seen(step: Step) -> str:
    words = {
        "held": "waits for approval",
        "parked": person((step.question or {}).get("text"), 300) or "waits",
        "asking": "*outcome unknown, and I cannot tell by looking*",
        "unknown": f"*outcome unknown*, {person(step.note, 300) or 'looking'}",
    }.get(step.state, "")
    if not words and step.state in BAD:
        words = f"{'*outcome unknown:* ' if step.state == 'uncertain' else ''}{person(step.error, 400)}"
    if not words and step.state != "pending":
        words = person(step.note, 300)
    if not words and step.state == "pending" and step.tries:
        words = f"trying again: {person(step.note or step.error, 300)}"
    return f" {words}" if words else ""


def _end(facts: RunFacts, around: Around) -> str:
    """At the end or a stop: what is done, what is not, what cannot be undone; the time to restore."""
    run, incident = facts.run, facts.incident
    if run.state == "paused":
        return _standing(facts.steps)
    if run.state == "aborted":
        return _standing(facts.steps)
    service = around.service(run.service)
    if run.state != "succeeded" or incident is None or incident.restored_at is None or service is None:
        return ""
    start = incident.detected_at or incident.declared_at
    used = incident.restored_at - start
    mark = "✅" if used <= service.rto else "❌"
    return f"*Time to restore: {took(used)} of {words(service.rto)} RTO* {mark}"


def _left(facts: RunFacts) -> str:
    """`↩️ Left over: step 1 aws.iam_deactivate_key`, once people may do something about it."""
    if not facts.left or facts.run.state not in (*ENDED, "paused"):
        return ""
    named = ", ".join(f"step {step.idx} {escape(step.uses)}" for step in facts.left[:5])
    named += f" and {len(facts.left) - 5} more (`/incident leftovers`)" if len(facts.left) > 5 else ""
    one = f"{facts.run.id} step={facts.left[0].idx}"
    stay = f"let it stay (`/playbook accept {one} &lt;reason&gt;`)"
    action = find(facts.left[0].uses)
    undo = action is not None and action.can_undo()
    back = (
        f"Take it back (`/playbook undo {one} &lt;reason&gt;`)" if undo else "Bring it home (`/playbook list failback`)"
    )
    return f"↩️ Left over: {named}. {back} or {stay}."


def _review(review: Review, around: Around) -> str:
    """`🔎 break-glass by Ben: a second person reviews it by 14:07`"""
    what = f"{review.kind} by *{around.name(review.person)}*"
    if review.state != "open":
        mark = "✅" if review.state == "accepted" else "⚠️"
        return f"{mark} {what}: {review.state} by *{around.name(review.reviewed_by)}*"
    late = " ⏰ *overdue*" if around.now >= review.due_at else ""
    return f"🔎 {what}: a second person reviews it by *{around.at(review.due_at)}* UTC{late}"


def _standing(steps: tuple[Step, ...]) -> str:
    done = [str(step.idx) for step in steps if step.state == "succeeded"]
    made = [str(step.idx) for step in steps if step.state in ("done", "unknown", "asking", "uncertain")]
    open_ = [str(step.idx) for step in steps if step.state in ("pending", "held", "parked", "failed", "aborted")]
    final = [str(step.idx) for step in steps if step.risk >= 3 and step.done_at is not None]
    parts = [f"Done: {', '.join(done) or 'nothing'}", f"not done: {', '.join(open_) or 'nothing'}"]
    parts += [f"not known: {', '.join(made)}"] if made else []
    parts += [f"cannot be taken back: {', '.join(final)}"] if final else []
    return " · ".join(parts)


def _review_buttons(facts: RunFacts) -> list[Button]:
    if not any(one.state == "open" for one in facts.reviews):
        return []
    line = f"playbook review {facts.run.id}"
    return [Button(label="Accept", line=f"{line} accept"), Button(label="Object", line=f"{line} object", asks="reason")]


def _buttons(facts: RunFacts) -> list[Button]:
    run, id = facts.run, facts.run.id
    if run.state == "incomplete":
        return [Button(label="Retry", line=f"playbook retry {id}", style="primary")]
    if run.state in ENDED or run.stop_asked == "abort":
        return []
    abort = Button(
        label="Abort", line=f"playbook abort {id}", style="danger",
        confirm="The run ends here. What is done stays done; nothing is taken back by itself.",
    )  # fmt: skip
    if run.state != "paused":
        return [Button(label="Pause", line=f"playbook pause {id}"), abort]
    bad = next((step for step in facts.steps if step.state in BAD), None)
    if bad is None:
        return [Button(label="Resume", line=f"playbook resume {id}", style="primary"), abort]
    return [
        Button(label="Retry", line=f"playbook retry {id}", style="primary"),
        Button(label="Skip", line=f"playbook skip {id}", asks="reason"),
        abort,
    ]
