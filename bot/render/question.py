"""The question card: a step asks a person, or nobody can tell whether a step happened (story.md, 14:09).

Belongs here: what was asked and shown, the answers as buttons, what was answered. Does not belong here: who may answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.blocks import Drawn, buttons, drawn, escape, hms, person, said
from bot.render.facts import Around, names
from commands.command import Button
from playbooks.policy import Policy
from storage import runs
from storage.db import Tx
from storage.runs import Run, Step

OUTCOME = {"happened": "It happened", "did-not": "It did not: ask again", "abort": "Abort"}
WAITING = ("parked", "asking")


@dataclass(frozen=True)
class QuestionFacts:
    """The step that asks, and its run."""

    run: Run
    step: Step


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[QuestionFacts, Around] | None:
    """The rows behind `INC-42/2#3`. None for a step that never asked anything."""
    id, _, number = subject.partition("#")
    run = runs.get(tx, id)
    step = next((one for one in runs.steps_of(tx, id) if str(one.idx) == number), None)
    if run is None or step is None or (step.question is None and step.answer is None):
        return None
    who = (step.answer or {}).get("person")
    return QuestionFacts(run, step), Around(policy, url, tx.now, names(tx, [run.requester, who]))


def draw(facts: QuestionFacts, around: Around) -> Drawn:
    """The card."""
    run, step = facts.run, facts.step
    question = step.question or {}
    lost = step.state == "asking"
    where = run.incident or run.id
    head = f"{'❓' if lost else '🙋'} *{where} · step {step.idx} · {escape(step.uses)}*"
    lines = [f"{head}\n*{person(question.get('text') or 'Answered.', 1000)}*"]
    if lost:
        began = f"Started {hms(step.started_at)} by replica `{escape(step.started_by or '?')}`. "
        lines.append(f"{began}{said(str(question.get('shown') or step.note or ''), 1500)}")
    elif question.get("shown"):
        lines.append(said(str(question["shown"]), 1500))
    if step.answer is not None:
        lines.append(_answered(facts, around))
    elif step.state not in WAITING:
        lines.append(f"_No longer waiting: the step is {step.state}._")
    else:
        lines.append(_who(facts, around))
    return drawn([*lines, *buttons(_buttons(facts))], text=f"{head} {person(question.get('text'), 500)}")


def _who(facts: QuestionFacts, around: Around) -> str:
    question, step = facts.step.question or {}, facts.step
    who = f"Asked: *{escape(str(question.get('who')))}*" if question.get("who") else f"Run {facts.run.id}"
    due = f" · answer by *{around.at(step.deadline)}* UTC; silence is never a yes" if step.deadline else ""
    proof = " · say what you saw" if question.get("evidence_required") else ""
    return f"{who}{due}{proof}"


def _answered(facts: QuestionFacts, around: Around) -> str:
    answer = facts.step.answer or {}
    choice = str(answer.get("choice") or "")
    words = f": {person(answer.get('text'), 600)}" if answer.get("text") else ""
    return f"✅ *{escape(OUTCOME.get(choice, choice))}*, says *{around.name(answer.get('person'))}*{words}"


def _buttons(facts: QuestionFacts) -> list[Button]:
    step, question = facts.step, facts.step.question or {}
    if step.state not in WAITING or step.answer is not None:
        return []
    choices = [str(choice) for choice in question.get("choices") or ()]
    asks = "text" if question.get("evidence_required") else ""
    return [
        Button(
            label=OUTCOME.get(choice, choice.capitalize()),
            line=f"playbook answer {facts.run.id} {choice} step={step.idx}",
            style="danger" if choice == "abort" else "",
            asks=asks if choice != "abort" else "",
        )
        for choice in choices[:10]
    ]
