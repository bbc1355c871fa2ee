"""One answer on its way to the record, and how it ends: refused, kept for now, or settling the question.

Belongs here: what all kinds of answers share. Does not belong here: any one kind (answering.py, ticking.py,
lost_effect.py), who may answer (asked.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playbooks.directory import Person
from playbooks.engine.asked import Verdict, may_answer, may_say_outcome
from playbooks.engine.engine import Engine
from playbooks.engine.paging import calls_key, end_calls
from playbooks.engine.transition import Changes, transition
from playbooks.engine.voting import Said
from storage.db import Tx
from storage.runs import Run, Step


@dataclass(frozen=True)
class Word:
    """One answer being recorded: by whom, to which step, with which words, and whether it may be given."""

    tx: Tx
    engine: Engine
    run: Run
    step: Step
    actor: Person
    text: str

    @property
    def question(self) -> Mapping[str, Any]:
        """What the step asks."""
        return self.step.question or {}

    def may(self, **more: Any) -> Verdict:
        """Whether it counts."""
        return may_answer(self.tx, self.engine.house.policy, self.run, self.step, self.actor, **more)

    def may_say_outcome(self) -> Verdict:
        """Whether it counts about a step whose outcome was lost."""
        return may_say_outcome(self.tx, self.engine.house.policy, self.run, self.actor)


def refused(word: Word, verdict: Verdict) -> Said:
    """It does not count, and that is on the record too."""
    changes = Changes()
    changes.told("step.answer_refused", word.step, word.actor.person or "", why=verdict.code)
    transition(word.tx, word.run, changes)
    return Said(verdict.why, ok=False)


def settle(word: Word, changes: Changes, answer: Mapping[str, Any], question: Mapping[str, Any] | None = None) -> None:
    """The question is answered: the step goes on, and nobody needs to be woken for it any more."""
    changes.steps[word.step.idx] = {"answer": dict(answer), "wake_at": None}
    if question is not None:
        changes.steps[word.step.idx]["question"] = dict(question)
    changes.run["ready_at"] = word.tx.now
    if called := [str(person) for person in word.question.get("paged") or ()]:
        end_calls(word.tx, word.engine.house, word.run, called, calls_key(word.step))
    transition(word.tx, word.run, changes)


def instead(verdict: Verdict) -> str:
    """Words for an answer that stands for somebody else's."""
    return f", in place of {verdict.in_place_of}" if verdict.in_place_of else ""
