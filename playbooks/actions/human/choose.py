"""`human.choose`: let a person choose one of several things, given in the playbook or found by an earlier step."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from playbooks.action import Act, Action, Again, Answer, Outputs, Park, Plan, Question, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.audience import Who
from playbooks.durations import words
from playbooks.errors import Refused

NONE = "none of these"


class Chosen(Outputs):
    """What was chosen."""

    choice: str = Field(description="The option chosen, word for word")
    number: int = Field(description="Its number among the options, from 1")
    by: str = Field(description="Opaque id of the person, of several the last one")
    text: str = Field(description="Reason or evidence given, may be empty")
    people: tuple[str, ...] = Field(default=(), description="Opaque ids of everybody who said so")
    in_place_of: str = Field(default="", description="The role or group in whose place it was said, else empty")


@action("human.choose", risk=Risk.WRITE, again=Again.KEYED, result=Chosen)
class Choose(Action):
    """Have a person choose one of several

    Example: {uses: human.choose, with: {question: Which backup is clean?, options: [nightly-21, nightly-20], who: sre}}

    `options` may be what an earlier step found. "none of these" stops the step.
    """

    question: str = Field(description="What is to be chosen, and by what", min_length=1, max_length=2000)
    options: list[str] = Field(description="What there is to choose from, each different", min_length=1, max_length=40)
    who: Who = Field(default="commander", description="Who may choose: a role, a group, or `anyone`")
    people: int = Field(default=1, description="How many different people must choose the same", ge=1, le=5)
    requester: bool = Field(default=False, description="Of several: whether who asked for the run may be one of them")
    shown: str = Field(default="", description="What the person should look at before choosing", max_length=2000)
    evidence_required: bool = Field(default=False, description="A choice without a reason does not count")
    due: Length = Field(default=timedelta(seconds=900), description="When silence escalates (15m, 90s or seconds)")

    why_no_undo = "A choice changes nothing outside; ask again."

    @model_validator(mode="after")
    def _distinct(self) -> Choose:
        folded = [option.strip().casefold() for option in self.options]
        if len(set(folded)) < len(folded) or "" in folded or NONE in folded:
            raise ValueError(f"options must be different from each other, not empty, and none of them “{NONE}”")
        return self

    def _asked(self) -> Park:
        return Park(
            question=Question(
                text=self.question, who=self.who, choices=(*self.options, NONE), stops=(NONE,), numbered=True,
                people=self.people, requester=self.requester, shown=self.shown,
                evidence_required=self.evidence_required, due_in_s=self.due.total_seconds(),
            )
        )  # fmt: skip

    async def plan(self, world: World) -> Plan:
        """Says who chooses from what."""
        need = f"; {self.people} people" if self.people > 1 else ""
        offered = ", ".join(self.options[:5]) + (f" and {len(self.options) - 5} more" if len(self.options) > 5 else "")
        effect = f"Have {self.who} choose: “{self.question}” ({offered}{need}; due in {words(self.due)})"
        return Plan(targets=(f"role:{self.who}",), effect=effect)

    async def run(self, act: Act) -> Park:
        """Ask."""
        return self._asked()

    async def resume(self, act: Act, answer: Answer | None) -> Outputs | Park:
        """Take the choice. Without one, or without the reason it needs, the question stays."""
        if answer is None or answer.choice not in (*self.options, NONE):
            return self._asked()
        if self.evidence_required and not answer.text.strip():
            return self._asked()
        if answer.choice == NONE:
            why = f": {answer.text}" if answer.text else ""
            raise Refused(f"“{self.question}” was answered “{NONE}”{why}.", todo="The step did not go on.")
        if len(people := answer.people or (answer.person,)) < self.people:
            return self._asked()
        return Chosen(
            choice=answer.choice, number=self.options.index(answer.choice) + 1, by=answer.person, text=answer.text,
            people=people, in_place_of=answer.in_place_of,
        )  # fmt: skip

    def say(self, done: Chosen) -> str:
        """question: option."""
        instead = f", in place of {done.in_place_of}" if done.in_place_of else ""
        return f"“{self.question}”: {done.choice}{instead}" + (f" ({done.text})" if done.text else "")
