"""`human.fill_in`: have a person fill in typed fields, which later steps read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field, field_validator

from playbooks.action import Act, Action, Again, Answer, Outputs, Park, Plan, Question, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.audience import Who
from playbooks.durations import words
from playbooks.form_fields import FormField


class FilledIn(Outputs):
    """What was filled in."""

    values: dict[str, Any] = Field(
        description="Field -> text, whole number, time (ISO 8601, UTC) or length such as 2h30m; null when left out"
    )
    by: str = Field(description="Opaque id of the person")
    text: str = Field(description="Evidence given, may be empty")
    in_place_of: str = Field(default="", description="The role or group in whose place it was said, else empty")


@action("human.fill_in", risk=Risk.WRITE, again=Again.KEYED, result=FilledIn)
class FillIn(Action):
    """Have a person fill in a form

    Example: {uses: human.fill_in, with: {question: Restore to when?, fields: [{name: until, type: time, max: now}]}}

    A field has a `name`, a `type` (string, text, integer, time, duration, choice), and where wanted `label`, `choices`,
    `min`, `max` and `required: false`. Bounds of a time are a moment, `now`, or a length from now such as `-7d`. Later
    steps read `steps.<id>.outputs.values.<name>`.
    """

    question: str = Field(description="What is asked for, and how to find it out", min_length=1, max_length=2000)
    fields: list[FormField] = Field(description="What is to be filled in", min_length=1, max_length=20)
    who: Who = Field(default="commander", description="Who may fill it in: a role, a group, or `anyone`")
    shown: str = Field(default="", description="What the person should look at first", max_length=2000)
    evidence_required: bool = Field(default=False, description="Values do not count without how they are known")
    due: Length = Field(default=timedelta(seconds=900), description="When silence escalates (15m, 90s or seconds)")

    why_no_undo = "An answer changes nothing outside; ask again."

    @field_validator("fields")
    @classmethod
    def _distinct(cls, fields: list[FormField]) -> list[FormField]:
        names = [field.name for field in fields]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"given twice: {', '.join(twice)}")
        return fields

    def _asked(self) -> Park:
        return Park(
            question=Question(
                text=self.question, who=self.who, choices=(), shown=self.shown,
                evidence_required=self.evidence_required, due_in_s=self.due.total_seconds(),
                fields=tuple(field.model_dump(mode="json") for field in self.fields),
            )
        )  # fmt: skip

    async def plan(self, world: World) -> Plan:
        """Says who is asked for what."""
        named = ", ".join(f"{field.name} ({field.hint()})" for field in self.fields)
        need = "; with evidence" if self.evidence_required else ""
        effect = f"Ask {self.who} to fill in: “{self.question}” ({named}{need}; due in {words(self.due)})"
        return Plan(targets=(f"role:{self.who}",), effect=effect)

    async def run(self, act: Act) -> Park:
        """Ask."""
        return self._asked()

    async def resume(self, act: Act, answer: Answer | None) -> Outputs | Park:
        """Take the values, which were read and held against their bounds when they were given."""
        if answer is None or {field.name for field in self.fields} - set(answer.values):
            return self._asked()
        if self.evidence_required and not answer.text.strip():
            return self._asked()
        return FilledIn(values=dict(answer.values), by=answer.person, text=answer.text, in_place_of=answer.in_place_of)

    def say(self, done: FilledIn) -> str:
        """question: field value, field value."""
        said = ", ".join(f"{name} {'—' if value is None else value}" for name, value in done.values.items())
        instead = f", in place of {done.in_place_of}" if done.in_place_of else ""
        return f"“{self.question}”: {said}{instead}" + (f" ({done.text})" if done.text else "")
