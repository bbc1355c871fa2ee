"""The question card: a step asks people, or nobody can tell whether a step happened (story.md, 14:09).

Belongs here: what was asked and shown, the answers as buttons, what was answered so far, whom it was passed on to.
Does not belong here: who may answer (playbooks/engine/asked.py decides on rows; the card only shows it), forms
(answering.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.render.blocks import Block, Drawn, button, buttons, drawn, escape, hms, person, said, section
from bot.render.facts import Around, names
from commands.command import Button
from commands.reading import quote
from playbooks.engine.asked import Audience, audience, outcome_words
from playbooks.engine.quorum import slack_id
from playbooks.policy import Policy
from storage import runs
from storage.db import Tx
from storage.runs import Run, Step
from storage.types import from_iso

OUTCOME = {"happened": "It happened", "did-not": "It did not: ask again", "abort": "Abort"}
WAITING = ("parked", "asking")
MARKS = {"open": "☐", "done": "☑", "skipped": "⊘"}
BUTTONS_MOST = 10
FIRST = 40  # number of the first button below the items, which have one each
CALLED_MOST = 3  # of a group of this size everybody is called by name


@dataclass(frozen=True)
class QuestionFacts:
    """The step that asks, its run, whom it asks: what each name of it means now, and their Slack ids."""

    run: Run
    step: Step
    asked: tuple[Audience, ...] = ()
    slack: Mapping[str, str] | None = None

    @property
    def question(self) -> Mapping[str, Any]:
        """What is asked, as its step keeps it."""
        return self.step.question or {}

    @property
    def open(self) -> bool:
        """Whether an answer still counts."""
        return self.step.state in WAITING and self.step.answer is None


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[QuestionFacts, Around] | None:
    """The rows behind `INC-42/2#3`. None for a step that never asked anything."""
    id, _, number = subject.partition("#")
    run = runs.get(tx, id)
    step = next((one for one in runs.steps_of(tx, id) if str(one.idx) == number), None)
    if run is None or step is None or (step.question is None and step.answer is None):
        return None
    question, answer = step.question or {}, step.answer or {}
    named = question.get("asked") or ([question["who"]] if question.get("who") else [])
    asked = tuple(audience(tx, policy, run, str(name)) for name in named)
    persons = [one for name in asked for one in name.persons]
    slack = {one: known for one in persons[:20] if (known := slack_id(tx, one))}
    told = [str(one["person"]) for one in question.get("given") or ()]
    told += [str(item["by"]) for item in question.get("items") or () if item.get("by")]
    around = Around(policy, url, tx.now, names(tx, [run.requester, answer.get("person"), *told, *persons]))
    return QuestionFacts(run, step, asked, slack), around


def draw(facts: QuestionFacts, around: Around) -> Drawn:
    """The card."""
    run, step, question = facts.run, facts.step, facts.question
    lost = step.state == "asking"
    where = run.incident or run.id
    head = f"{'❓' if lost else '🙋'} *{where} · step {step.idx} · {escape(step.uses)}*"
    lines: list[str | Block] = [f"{head}\n*{person(question.get('text') or 'Answered.', 2000)}*"]
    if lost:
        began = f"Started {hms(step.started_at)} by replica `{escape(step.started_by or '?')}`. "
        lines.append(f"{began}{said(str(question.get('shown') or step.note or ''), 1500)}")
    elif question.get("shown"):
        lines.append(said(str(question["shown"]), 2500))
    lines += _items(facts, around)
    lines += [f"• {around.name(str(one['person']))} says *{person(str(one['choice']), 100)}*"
              for one in question.get("given") or () if facts.open]  # fmt: skip
    if step.answer is not None:
        lines.append(_answered(facts, around))
    elif step.state not in WAITING:
        lines.append(f"_No longer waiting: the step is {step.state}._")
    else:
        lines.append(_who(facts, around))
    return drawn(
        [*lines, *buttons(_buttons(facts), first=FIRST if question.get("items") else 0)],
        text=f"{head} {person(question.get('text'), 500)}",
    )


def _who(facts: QuestionFacts, around: Around) -> str:
    """Whom it asks, whom it was passed on to, by when, and what an answer takes."""
    question, step = facts.question, facts.step
    named = [_called(facts, one, around) for one in facts.asked]
    first, *more = named or [f"*{escape(str(question['who']))}*" if question.get("who") else f"Run {facts.run.id}"]
    who = f"Asked: {first}" if question.get("who") else first
    who = f"Asked: {escape(outcome_words(around.policy))}" if step.state == "asking" else who
    who += f"; nobody answered, so now also {', '.join(more)}" if more else ""
    many = int(question.get("people") or 1)
    who += f" · *{many} people* must say the same" if many > 1 else ""
    who += " · *somebody else* than who asked or wrote the words" if question.get("another") else ""
    due_at = from_iso(question["due_at"]) if question.get("due_at") else step.deadline
    due = f" · answer by *{around.at(due_at)}* UTC; silence is never a yes" if due_at and step.deadline else ""
    proof = " · say what you saw" if question.get("evidence_required") else ""
    return f"{who}{due}{proof}"


def _called(facts: QuestionFacts, one: Audience, around: Around) -> str:
    """*the incident commander* (@Ben): named so that Slack tells them, a few at most."""
    slack = facts.slack or {}
    several = len(one.persons) > CALLED_MOST
    people = [f"<@{slack[id]}>" if id in slack and not several else around.name(id) for id in one.persons[:8]]
    nobody = "" if one.anyone else " (nobody now)"
    return f"*{escape(one.title)}*" + (f" ({', '.join(people)})" if people else nobody)


def _answered(facts: QuestionFacts, around: Around) -> str:
    answer = facts.step.answer or {}
    choice = str(answer.get("choice") or "")
    words = f": {person(answer.get('text'), 600)}" if answer.get("text") else ""
    instead = f", in place of {escape(str(answer['in_place_of']))}" if answer.get("in_place_of") else ""
    names = ", ".join(f"*{around.name(str(id))}*" for id in answer.get("people") or [answer.get("person")])
    if values := answer.get("values"):
        filled = "\n".join(f"• {escape(name)}: *{person(_shown(value), 300)}*" for name, value in values.items())
        return f"✅ Filled in by {names}{instead}{words}\n{filled}"
    if answer.get("items"):
        return f"✅ Nothing is left; the last one by {names}"
    return f"✅ *{escape(OUTCOME.get(choice, choice))}*, says {names}{instead}{words}"


def _shown(value: object) -> str:
    return "—" if value is None else str(value)


def _items(facts: QuestionFacts, around: Around) -> list[Block]:
    """One line an item, with its button while it is open."""
    found: list[Block] = []
    for number, item in enumerate(facts.question.get("items") or (), 1):
        state = str(item["state"])
        line = f"{MARKS.get(state, '☐')} {number}. {person(str(item['text']), 500)}"
        if state == "open":
            due = f", by {around.at(from_iso(item['due_at']))}" if item.get("due_at") else ""
            late = " ⚠️ _overdue_" if item.get("reminded") else ""
            line += f" — {escape(str(item['owner']))}{due}{late}"
        else:
            why = f": {person(str(item['reason']), 300)}" if item.get("reason") else ""
            at = around.at(from_iso(item["at"])) if item.get("at") else ""
            instead = f" in place of {escape(str(item['in_place_of']))}" if item.get("in_place_of") else ""
            how = "left out by " if state == "skipped" else ""
            line += f" — {how}*{around.name(str(item['by']))}*{instead} {at}{why}"
        block = section(line)
        if state == "open" and facts.open:
            tick = f"playbook answer {facts.run.id} {number} done step={facts.step.idx}"
            block["accessory"] = button(Button(label="Done", line=tick), number)
        found.append(block)
    return found


def _buttons(facts: QuestionFacts) -> list[Button]:
    run, step, question = facts.run, facts.step, facts.question
    if not facts.open:
        return []
    form = f"playbook answer {run.id} step={step.idx}"
    if question.get("fields"):
        return [Button(label="Fill in", line=form, style="primary")]
    if question.get("items"):
        return [Button(label="Leave one out", line=form)]
    choices = [str(choice) for choice in question.get("choices") or ()]
    if len(choices) > BUTTONS_MOST:
        return [Button(label="Choose", line=form, style="primary")]
    asks = "text" if question.get("evidence_required") else ""
    return [
        Button(
            label=OUTCOME.get(choice, f"{choice[:1].upper()}{choice[1:]}"),
            line=f"{form} choice={quote(str(number) if question.get('numbered') else choice)}",
            style="danger" if choice == "abort" else "",
            asks=asks if choice != "abort" else "",
        )
        for number, choice in enumerate(choices, 1)
    ]
