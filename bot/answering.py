"""The form of `/playbook answer`: which question is meant when it is opened, and what is wrong when it is sent.

Belongs here: one read of rows for each. Does not belong here: how it looks (render/answering.py), whether the answer
counts (it comes back as an ask).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.render import answering
from bot.render.blocks import Block
from bot.render.forms import Origin
from commands.fields import parse
from commands.house import House
from commands.places import visible
from commands.playbook.answer import FIELD, ITEM, STATE, Answer
from playbooks.errors import Refused
from playbooks.form_fields import FormField, wrong
from storage import incidents, runs
from storage.db import Tx
from storage.inbox import Ask
from storage.runs import Run, Step


class Answering:
    """Makes and checks the form of `/playbook answer`."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def view(self, ask: Ask, origin: Origin) -> Block:
        """The form of the question that is meant, or words why there is none. Raises Unreachable."""
        found = await self._house.db.read(lambda tx: self._meant(tx, ask))
        if isinstance(found, str):
            return answering.words(found, origin)
        run, step = found
        line = f"{Answer.words} {run.id} step={step.idx}"
        return answering.form(step.question or {}, Origin(line, origin.channel, origin.message_ts, origin.response_url))

    async def errors(self, ask: Ask) -> dict[str, str]:
        """What is wrong in a sent form: field (as it travels) -> words. Raises Unreachable."""
        found = await self._house.db.read(lambda tx: (tx.now, self._meant(tx, ask)))
        now, meant = found
        if isinstance(meant, str):
            return {}  # the answer to the ask says what became of the question
        question = meant[1].question or {}
        text = str(ask.values.get("text") or "").strip()
        if question.get("items"):
            skips = ask.values.get(STATE) == "skip" and not text
            return {"text": "Leaving an item out needs a reason."} if skips and ask.values.get(ITEM) else {}
        given = {name.removeprefix(FIELD): str(value) for name, value in ask.values.items() if name.startswith(FIELD)}
        fields = [FormField.model_validate(one) for one in question.get("fields") or ()]
        return {f"{FIELD}{name}": _sentence(why) for name, why in (wrong(fields, given, now) if fields else {}).items()}

    def _meant(self, tx: Tx, ask: Ask) -> tuple[Run, Step] | str:
        """The run and step that still ask, or words why there is no such question."""
        try:
            said = parse(Answer, ask.line.removeprefix(Answer.words), policy=self._house.policy, now=tx.now)
        except Refused as no:
            return str(no)
        here = incidents.by_channel(tx, ask.channel) if ask.channel else None
        name = f"{here.id}{said.run}" if said.run.startswith("/") and here else said.run
        named = [runs.get(tx, name)] if name else runs.of_incident(tx, here.id) if here else []
        every = [run for run in named if run and self._may_know(tx, run, ask)]
        open_ = [
            (run, step) for run in every for step in runs.steps_of(tx, run.id)
            if _asks(step) and said.step in ("", str(step.idx), step.id)
        ]  # fmt: skip
        if len(open_) == 1:
            return open_[0]
        if not open_:
            return f"{name or (here.id if here else 'Nothing here')} asks nothing now, or it was answered."
        listed = ", ".join(f"/{Answer.words} {run.id} step={step.idx}" for run, step in open_[:8])
        return f"Several steps ask: {listed}"

    def _may_know(self, tx: Tx, run: Run, ask: Ask) -> bool:
        """Whether who asks may know of the run's incident; for all others it asks nothing."""
        about = incidents.get(tx, run.incident) if run.incident else None
        actor = self._house.directory.actor(tx, ask.account_kind, ask.account, self._house.policy)
        return about is None or visible(tx, self._house.policy, about, actor, ask.channel)


def _asks(step: Step) -> bool:
    question: Mapping[str, Any] = step.question or {}
    return step.state in ("parked", "asking") and step.answer is None and bool(question)


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:]}."
