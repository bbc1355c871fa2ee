"""`human.confirm`: ask a person, and go on only with an answer that lets us."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from playbooks.action import Act, Action, Again, Answer, Outputs, Park, Plan, Question, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.durations import words
from playbooks.errors import Refused


class Answered(Outputs):
    """What the person said."""

    choice: str = Field(description="The choice taken")
    by: str = Field(description="Opaque id of the person")
    text: str = Field(description="Reason or evidence given, may be empty")


@action("human.confirm", risk=Risk.WRITE, again=Again.KEYED, result=Answered)
class Confirm(Action):
    """Ask a person

    Example: {uses: human.confirm, with: {question: Is the standby healthy?, who: commander, due: 10m}}

    The run waits, holding nothing, until somebody answers. "no" stops the step unless `ok` lists it.
    """

    question: str = Field(description="The question, answerable with one of the choices", min_length=1, max_length=2000)
    who: str = Field(default="commander", description="Role or group that may answer")
    choices: list[str] = Field(default=["yes", "no"], description="Answers offered", min_length=1, max_length=10)
    ok: list[str] = Field(default=[], description='Choices that let the run go on; all but "no" when empty')
    shown: str = Field(default="", description="What the person should look at before answering", max_length=2000)
    evidence_required: bool = Field(default=False, description="An answer without text does not count")
    due: Length = Field(default=timedelta(seconds=900), description="When silence escalates (15m, 90s or seconds)")

    why_no_undo = "A question changes nothing outside; ask again."

    @model_validator(mode="after")
    def _known(self) -> Confirm:
        if unknown := sorted(set(self.ok) - set(self.choices)):
            raise ValueError(f"ok names choices that are not offered: {', '.join(unknown)}")
        return self

    def _asked(self) -> Park:
        return Park(
            question=Question(
                text=self.question,
                who=self.who,
                choices=tuple(self.choices),
                shown=self.shown,
                evidence_required=self.evidence_required,
                due_in_s=self.due.total_seconds(),
            )
        )

    async def plan(self, world: World) -> Plan:
        """Says who is asked what."""
        need = ", with evidence" if self.evidence_required else ""
        effect = f"Ask {self.who}: “{self.question}” ({' / '.join(self.choices)}{need}; due in {words(self.due)})"
        return Plan(targets=(f"role:{self.who}",), effect=effect)

    async def run(self, act: Act) -> Park:
        """Ask."""
        return self._asked()

    async def resume(self, act: Act, answer: Answer | None) -> Outputs | Park:
        """Take the answer. Without one, or without the evidence it needs, the question stays."""
        if answer is None or answer.choice not in self.choices:
            return self._asked()
        if self.evidence_required and not answer.text.strip():
            return self._asked()
        allowed = self.ok or [choice for choice in self.choices if choice.lower() != "no"]
        if answer.choice not in allowed:
            why = f": {answer.text}" if answer.text else ""
            raise Refused(f"“{self.question}” was answered “{answer.choice}”{why}.", todo="The step did not go on.")
        return Answered(choice=answer.choice, by=answer.person, text=answer.text)

    def say(self, done: Answered) -> str:
        """question: choice."""
        return f"“{self.question}”: {done.choice}" + (f" ({done.text})" if done.text else "")
