"""Ticking an item of a `human.checklist`, leaving it out with a reason, or opening it again.

Belongs here: what becomes of one item, and of the list with its last one. Does not belong here: reminding of items that
are overdue (escalating.py), what the list means for the step (the action).
"""

from __future__ import annotations

from typing import Any

from playbooks.engine.asked import Verdict
from playbooks.engine.transition import Changes, transition
from playbooks.engine.voting import Said
from playbooks.engine.word import Word, instead, refused, settle
from playbooks.errors import Refused
from storage.types import iso

TICKS = {"done": "done", "skip": "skipped", "skipped": "skipped", "open": "open"}


def tick(word: Word, choice: str) -> Said:
    """Record what is said of one item. Raises Refused for what names none."""
    step, question = word.step, word.question
    items = [dict(one) for one in question["items"]]
    number, state, reason = _ticked(word, f"{choice} {word.text}".strip(), items)
    item = items[number - 1]
    verdict = word.may(who=str(item["owner"]), silent=bool(item.get("reminded")))
    if not verdict.ok:
        return refused(word, verdict)
    before = item["state"]
    if state == before:
        return refused(word, Verdict(False, code="twice", why=f"Item {number} is {state} already."))
    person = word.actor.person or ""
    ticked = {"state": state, "by": person, "at": iso(word.tx.now), "reason": reason,
              "in_place_of": verdict.in_place_of}  # fmt: skip
    items[number - 1] = {**item, **(ticked if state != "open" else dict.fromkeys(ticked, "") | {"state": "open"})}
    left = [n for n, one in enumerate(items, 1) if one["state"] == "open"]
    changes = Changes()
    changes.told(
        "step.ticked", step, person, item=number, state=state, left=len(left), in_place_of=verdict.in_place_of,
        texts={"item": str(item["text"]), "reason": reason} if reason else {"item": str(item["text"])},
    )  # fmt: skip
    about = f"{number} **{item['text']}** of step {step.idx} of {word.run.id}"
    if left:
        changes.steps[step.idx] = {"question": {**question, "items": items}}
        transition(word.tx, word.run, changes)
        return Said(f"Recorded: {about} is {state}{instead(verdict)}. {len(left)} left.")
    whole = {"person": person, "choice": "all", "text": "", "items": items}
    settle(word, changes, whole, {**question, "items": items})
    return Said(f"Recorded: {about} is {state}{instead(verdict)}. That was the last one.")


def _ticked(word: Word, said: str, items: list[dict[str, Any]]) -> tuple[int, str, str]:
    """(number, state, reason): "3", "3 done seen at 14:02", "3 skip not in use here", "3 open". Raises Refused."""
    head, _, rest = said.partition(" ")
    verb, _, reason = rest.strip().partition(" ")
    if not head.isdigit() or not 1 <= int(head) <= len(items):
        listed = ", ".join(f"{n} {one['text']}" for n, one in enumerate(items, 1) if one["state"] == "open")
        raise Refused(f"**{head or 'Nothing'}** is no item here.", todo=f"Still open: {listed}.")
    state = TICKS.get(verb.casefold(), "done")
    reason = reason.strip() if verb.casefold() in TICKS else rest.strip()
    if state == "skipped" and not reason:
        example = f"`/playbook answer {word.run.id} step={word.step.idx} {head} skip <reason>`"
        raise Refused("Leaving an item out needs a reason.", todo=example)
    return int(head), state, reason
