"""`human.confirm`: ask a person, and go on only with an answer that lets us."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from playbooks.action import Act, Action, Again, Answer, Outputs, Park, Plan, Question, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.audience import Who
from playbooks.durations import words
from playbooks.errors import Refused


class Answered(Outputs):
    """What was said."""

    choice: str = Field(description="The choice taken")
    by: str = Field(description="Opaque id of the person, of several the last one")
    text: str = Field(description="Reason or evidence given, may be empty")
    people: tuple[str, ...] = Field(default=(), description="Opaque ids of everybody who said so")
    in_place_of: str = Field(default="", description="The role or group in whose place it was said, else empty")


@action("human.confirm", risk=Risk.WRITE, again=Again.KEYED, result=Answered)
class Confirm(Action):
    """Ask a person

    Example: {uses: human.confirm, with: {question: Is the standby healthy?, who: commander, due: 10m}}

    The run waits, holding nothing, until somebody answers. "no" stops the step unless `ok` lists it. With `people: 2`
    two must say the same, and who asked for the run is only one of them where `requester: true`; one "no" stops it.
    """

    question: str = Field(description="The question, answerable with one of the choices", min_length=1, max_length=2000)
    who: Who = Field(default="commander", description="Who may answer: a role, a group, or `anyone`")
    choices: list[str] = Field(default=["yes", "no"], description="Answers offered", min_length=1, max_length=10)
    ok: list[str] = Field(default=[], description='Choices that let the run go on; all but "no" when empty')
    people: int = Field(default=1, description="How many different people must say the same", ge=1, le=5)
    requester: bool = Field(default=False, description="Of several: whether who asked for the run may be one of them")
    shown: str = Field(default="", description="What the person should look at before answering", max_length=2000)
    evidence_required: bool = Field(default=False, description="An answer without text does not count")
    due: Length = Field(default=timedelta(seconds=900), description="When silence escalates (15m, 90s or seconds)")

    why_no_undo = "A question changes nothing outside; ask again."

    @model_validator(mode="after")
    def _known(self) -> Confirm:
        if unknown := sorted(set(self.ok) - set(self.choices)):
            raise ValueError(f"ok names choices that are not offered: {', '.join(unknown)}")
        return self

    def _goes_on(self) -> list[str]:
        return self.ok or [choice for choice in self.choices if choice.lower() != "no"]

    def _asked(self) -> Park:
        goes_on = self._goes_on()
        return Park(
            question=Question(
                text=self.question,
                who=self.who,
                choices=tuple(self.choices),
                stops=tuple(choice for choice in self.choices if choice not in goes_on),
                people=self.people,
                requester=self.requester,
                shown=self.shown,
                evidence_required=self.evidence_required,
                due_in_s=self.due.total_seconds(),
            )
        )

    async def plan(self, world: World) -> Plan:
        """Says who is asked what."""
        need = ", with evidence" if self.evidence_required else ""
        need += f"; {self.people} people" if self.people > 1 else ""
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
        if answer.choice not in self._goes_on():
            why = f": {answer.text}" if answer.text else ""
            raise Refused(f"“{self.question}” was answered “{answer.choice}”{why}.", todo="The step did not go on.")
        if len(people := answer.people or (answer.person,)) < self.people:
            return self._asked()
        return Answered(
            choice=answer.choice, by=answer.person, text=answer.text, people=people, in_place_of=answer.in_place_of
        )

    def say(self, done: Answered) -> str:
        """question: choice."""
        several = f", say {len(done.people)} people" if len(done.people) > 1 else ""
        instead = f", in place of {done.in_place_of}" if done.in_place_of else ""
        return f"“{self.question}”: {done.choice}{several}{instead}" + (f" ({done.text})" if done.text else "")
