"""Silence of those who are asked: an overdue question is passed on, and fails only when the last of them was silent.

Owners of overdue items are reminded, once each. Who is asked again is written to, and the last ones are paged where
the policy calls missing people at all (`approvals.page_missing`). Belongs here: what silence does. Does not belong
here: whom a question is for (asked.py), answers (answering.py), sending (actions).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from playbooks.engine.approvals import join
from playbooks.engine.asked import audience, ladder
from playbooks.engine.held import Held, House
from playbooks.engine.outcomes import next_look
from playbooks.engine.paging import ask_again, calls_key
from playbooks.engine.transition import Changes
from storage.db import Tx
from storage.runs import Run, Step
from storage.types import from_iso, iso


async def overdue(held: Held, idx: int) -> None:
    """A parked step's time to be answered has come. Silence never passes."""

    def decide(tx: Tx, run: Run, step: Step) -> Changes:
        if step.state != "parked" or step.answer is not None:
            return Changes()  # a person was quicker
        return silent(tx, held.house, run, step)

    await held.settle(idx, decide)


def silent(tx: Tx, house: House, run: Run, step: Step) -> Changes:
    """What becomes of a question nobody answered in time: its owners are reminded, others asked, or it fails."""
    question: dict[str, Any] = {"due_at": iso(step.deadline or tx.now), "due_in_s": 0.0, **(step.question or {})}
    changes = Changes()
    if question.get("items"):
        question["items"] = _reminded(tx, house, run, step, question, changes)
    if tx.now < from_iso(question["due_at"]):
        changes.steps[step.idx] = {"question": question, "deadline": next_look(question)}
        return changes
    rungs = ladder(tx, house.policy, run, question)
    if not rungs:
        words = _unanswered(question)
        changes.steps[step.idx] = {"state": "failed", "error": words, "wake_at": None, "question": question}
        changes.told("step.failed", step, texts={"error": words})
        return changes
    _pass_on(tx, house, run, step, question, rungs, changes)
    return changes


def _pass_on(
    tx: Tx, house: House, run: Run, step: Step, question: dict[str, Any], rungs: list[tuple[str, ...]], changes: Changes
) -> None:
    """Ask the next ones, who have as much time as the first; the last ones are paged."""
    persons = sorted({person for name in rungs[0] for person in audience(tx, house.policy, run, name).persons})
    page = len(rungs) == 1 and house.policy.approvals.page_missing
    question["asked"] = [*(question.get("asked") or [question.get("who")]), *rungs[0]]
    question["due_at"] = iso(tx.now + timedelta(seconds=float(question["due_in_s"])))
    if page:
        question["paged"] = sorted({*question.get("paged", ()), *persons})
    until = f"{from_iso(question['due_at']):%H:%M} UTC"
    text = (
        f"{run.incident or run.id}, step {step.idx} asks: {question['text']} Nobody answered in time, so it is asked "
        f"of you, until {until}: `/playbook answer {run.id} step={step.idx}`. {house.url}"
    )
    ask_again(tx, house, run, persons, text=text, key=calls_key(step), page=page)
    changes.steps[step.idx] = {"question": question, "deadline": next_look(question)}
    rung = len(question["asked"]) - 1
    changes.told("step.escalated", step, rung=rung, to=list(rungs[0]), called=persons, paged=page)


def _reminded(
    tx: Tx, house: House, run: Run, step: Step, question: dict[str, Any], changes: Changes
) -> list[dict[str, Any]]:
    """The items, with those marked whose owners are reminded now: a direct message, once for each item."""
    items = [dict(item) for item in question["items"]]
    for number, item in enumerate(items, 1):
        late = item["due_at"] is not None and from_iso(item["due_at"]) <= tx.now
        if item["state"] != "open" or item["reminded"] or not late:
            continue
        item["reminded"] = True
        owner = audience(tx, house.policy, run, str(item["owner"]))
        persons = owner.persons or audience(tx, house.policy, run, str(question.get("who") or "")).persons
        line = f"/playbook answer {run.id} step={step.idx} {number}"
        text = (
            f"{run.incident or run.id}: “{item['text']}” ({question['text']}) is overdue since "
            f"{from_iso(item['due_at']):%H:%M} UTC. Done? `{line}`. Not to be done? `{line} skip <reason>`. {house.url}"
        )
        ask_again(tx, house, run, persons, text=text, key=f"{calls_key(step)}/{number}", page=False)
        changes.told("step.reminded", step, item=number, called=list(persons), texts={"item": str(item["text"])})
    return items


def _unanswered(question: dict[str, Any]) -> str:
    """Who was asked what, for the run's card."""
    left = [str(item["text"]) for item in question.get("items") or () if item["state"] == "open"]
    what = f"; open: {join(left)}" if left else ""
    asked = join([str(name) for name in question.get("asked") or [question.get("who") or "anyone"]])
    return f"Nobody answered “{question.get('text', '')}” in time{what}. Asked: {asked}."
