"""What people answer to a step: a choice or a form of a `human.*` step; items and lost effects stand beside this.

Plain functions inside the asker's transaction. Each answer is an event, also one that does not count; until a question
is settled, what was said stands in the step's `question`. Belongs here: which answer it is, choices and forms. Does not
belong here: who may (asked.py), what an answer means for the step (the action), silence (escalating.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbooks.directory import Person
from playbooks.engine.asked import Verdict
from playbooks.engine.engine import Engine
from playbooks.engine.lost_effect import say_outcome
from playbooks.engine.meant import chosen, running
from playbooks.engine.outcomes import as_json
from playbooks.engine.ticking import tick
from playbooks.engine.transition import Changes, transition
from playbooks.engine.voting import Said
from playbooks.engine.word import Word, instead, refused, settle
from playbooks.errors import Refused
from playbooks.form_fields import FormField, read_form
from storage import joining, runs
from storage.db import Tx
from storage.runs import Run, Step
from storage.types import iso

STATES = ("parked", "asking")


def answer(
    tx: Tx,
    engine: Engine,
    *,
    run: str,
    step: str | None,
    actor: Person,
    choice: str = "",
    text: str = "",
    values: Mapping[str, str] | None = None,
) -> Said:
    """Answer a step's question. choice: may stand at the beginning of `text` instead; values: of a form, as typed.

    Raises Refused for what is no answer; one that does not count is recorded and told with ok=False.
    """
    found = running(tx, run)
    asked = _meant(tx, found, step)
    if asked.answer is not None:
        raise Refused(f"Step {asked.idx} of {run} was answered already: {asked.answer.get('choice')}.")
    word = Word(tx, engine, found, asked, actor, text.strip())
    if word.question.get("fields"):
        return _form(word, values or {})
    if word.question.get("items"):
        return tick(word, choice)
    return _choice(word, choice)


def _meant(tx: Tx, run: Run, step: str | None) -> Step:
    """The step meant: the named one, or the only one that still asks."""
    if step is None:
        open_ = [s for s in runs.steps_of(tx, run.id) if s.state in STATES and s.question and s.answer is None]
        if len(open_) > 1:
            named = ", ".join(f"step={one.idx} ({one.id})" for one in open_)
            raise Refused(f"Several steps of {run.id} ask: {named}.", todo=f"`/playbook answer {run.id} step=… …`")
        if open_:
            return open_[0]
    return chosen(tx, run, step, STATES)


def _choice(word: Word, choice: str) -> Said:
    question, step = word.question, word.step
    taken, text = _taken(question, choice, word.text)
    if question.get("evidence_required") and not text:
        example = f"`/playbook answer {word.run.id} {taken} <evidence>`"
        raise Refused("This answer needs its evidence in words.", todo=example)
    texts = {"text": text} if text else {}
    if step.state == "asking":
        verdict = word.may_say_outcome()
        if taken != "abort" and not verdict.ok:  # whoever may ask for anything may stop it
            return refused(word, verdict)
        return say_outcome(word, taken, texts)
    people = int(question.get("people") or 1)
    verdict = word.may(people=people)
    if not verdict.ok:
        return refused(word, verdict)
    person = word.actor.person or ""
    given = list(question.get("given") or ())
    now = joining.same(word.tx, [str(one["person"]) for one in given])
    if any(now[one["person"]] == person and one["choice"] == taken for one in given):
        return refused(word, Verdict(False, code="twice", why=f"Your **{taken}** counts already."))
    given = [one for one in given if now[one["person"]] != person]
    given.append({"person": person, "choice": taken, "text": text, "at": iso(word.tx.now),
                  "in_place_of": verdict.in_place_of})  # fmt: skip
    same = [one for one in given if one["choice"] == taken]
    settled = taken in question.get("stops", ()) or len(same) >= people
    if question.get("numbered"):
        texts["choice"] = taken
    said = f"option-{question['choices'].index(taken) + 1}" if question.get("numbered") else taken
    changes = Changes()
    changes.told(
        "step.answered", step, person, choice=said, so_far=len(same), people=people,
        in_place_of=verdict.in_place_of, texts=texts,
    )  # fmt: skip
    about = f"**{taken}** for step {step.idx} of {word.run.id}{instead(verdict)}"
    if not settled:
        changes.steps[step.idx] = {"question": {**question, "given": given}}
        transition(word.tx, word.run, changes)
        return Said(f"Recorded: {about}. That is {len(same)} of {people} who must say the same.")
    stood_in = next((str(one["in_place_of"]) for one in same if one["in_place_of"]), "")
    words = "; ".join(str(one["text"]) for one in same if one["text"])
    whole = {"person": person, "choice": taken, "text": words, "people": [one["person"] for one in same],
             "in_place_of": stood_in}  # fmt: skip
    settle(word, changes, whole, {**question, "given": given})
    return Said(f"Recorded: {about}.")


def _taken(question: Mapping[str, Any], choice: str, text: str) -> tuple[str, str]:
    """The choice meant, and what was said besides. Raises Refused naming the choices."""
    choices = [str(one) for one in question.get("choices") or ()]
    said = f"{choice} {text}".strip() if not choice or choice.casefold() not in map(str.casefold, choices) else choice
    for one in sorted(choices, key=len, reverse=True):
        rest = said[len(one) :]
        if said[: len(one)].casefold() == one.casefold() and (not rest or rest[0].isspace()):
            return one, (text if said == choice else rest).strip()
    head, _, rest = said.partition(" ")
    if question.get("numbered") and head.isdigit() and 1 <= int(head) <= len(choices):
        return choices[int(head) - 1], rest.strip()
    listed = [f"{n} {one}" for n, one in enumerate(choices, 1)] if question.get("numbered") else choices
    raise Refused(f"**{head or 'Nothing'}** is no answer here.", todo=f"Choose one of: {', '.join(listed)}.")


# --- a form -----------------------------------------------------------------------------------------------------------


def _form(word: Word, given: Mapping[str, str]) -> Said:
    step, question = word.step, word.question
    verdict = word.may()
    if not verdict.ok:
        return refused(word, verdict)
    fields = [FormField.model_validate(one) for one in question["fields"]]
    values = read_form(fields, given, word.tx.now)
    if question.get("evidence_required") and not word.text:
        raise Refused("Nothing was recorded. It also takes a word of how you know.", todo="Add it after the fields.")
    texts = {"values": as_json(values)}
    if word.text:
        texts["text"] = word.text
    changes = Changes()
    changes.told(
        "step.filled_in", step, word.actor.person or "", fields=[field.name for field in fields],
        in_place_of=verdict.in_place_of, texts=texts,
    )  # fmt: skip
    whole = {"person": word.actor.person, "choice": "filled-in", "text": word.text, "values": values,
             "in_place_of": verdict.in_place_of}  # fmt: skip
    settle(word, changes, whole)
    said = ", ".join(f"{name} **{'—' if value is None else value}**" for name, value in values.items())
    return Said(f"Recorded for step {step.idx} of {word.run.id}{instead(verdict)}: {said}.")
