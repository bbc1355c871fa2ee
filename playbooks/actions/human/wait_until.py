"""`human.wait_until`: wait for a time, which a person may cut short with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from playbooks.action import Act, Action, Again, Answer, Outputs, Park, Plan, Question, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.audience import Who
from playbooks.durations import words
from playbooks.form_fields import read_moment

GO_ON = "go-on"


def _a_time(until: Any) -> Any:
    """As YAML reads a time without quotes, or as text that can be read. Raises ValueError."""
    if isinstance(until, datetime):
        return until.isoformat()
    if isinstance(until, str) and until:
        read_moment(until, datetime.now(UTC))
    return until


class Waited(Outputs):
    """Until when it waited."""

    until: str = Field(description="When it was to end, ISO 8601 in UTC")
    ended: str = Field(description="When it did end, ISO 8601 in UTC")
    cut_short: bool = Field(description="Whether a person ended it before its time")
    by: str = Field(default="", description="Opaque id of the person who did")
    text: str = Field(default="", description="Why")
    in_place_of: str = Field(default="", description="The role or group in whose place it was said, else empty")


@action("human.wait_until", risk=Risk.WRITE, again=Again.KEYED, result=Waited)
class WaitUntil(Action):
    """Wait until a time

    Example: {uses: human.wait_until, with: {why: the maintenance window opens, until: "22:00"}}

    Either `until` (2026-11-22T22:00Z, or a time of day in UTC: the next one) or `length` (30m). It holds nothing.
    """

    why: str = Field(description="What is waited for", min_length=1, max_length=500)
    until: Annotated[str, BeforeValidator(_a_time)] = Field(
        default="", description="The time, UTC: 2026-11-22T22:00Z, or 22:00 for the next one"
    )
    length: Length | None = Field(default=None, description="How long, from when the step begins: 30m, 4h, 7d")
    who: Who = Field(default="commander", description="Who may cut it short: a role, a group, or `anyone`")

    why_no_undo = "Time that passed does not come back."

    @model_validator(mode="after")
    def _one_of_both(self) -> WaitUntil:
        if bool(self.until) == (self.length is not None):
            raise ValueError("give either until or length")
        return self

    def _ends(self, world: World) -> datetime:
        """From when the step began, so that looking again does not move it."""
        began = world.started_at or world.now
        return read_moment(self.until, began, ahead=True) if self.length is None else began + self.length

    def _waits(self, world: World) -> Park | Waited:
        ends = self._ends(world)
        if (left := ends - world.now) <= timedelta():
            return Waited(until=ends.isoformat(), ended=world.now.isoformat(), cut_short=False)
        said = f"Waiting until {ends:%-d %b %H:%M:%S} UTC: {self.why}"
        return Park(
            question=Question(text=said, who=self.who, choices=(GO_ON,), evidence_required=True),
            wake_in_s=left.total_seconds(),
        )

    async def plan(self, world: World) -> Plan:
        """Says until when, as of now."""
        ends = self._ends(world)
        effect = f"Wait until {self.until or 'then'}: {self.why}" if self.length is None else f"Wait: {self.why}"
        notes = (f"as of now until {ends:%-d %b %H:%M} UTC, {words(max(timedelta(), ends - world.now))}",)
        length = "" if self.length is None else f" ({words(self.length)})"
        return Plan(targets=(f"role:{self.who}",), effect=f"{effect}{length}", notes=notes)

    async def run(self, act: Act) -> Outputs | Park:
        """Wait, unless the time has come."""
        return self._waits(act)

    async def resume(self, act: Act, answer: Answer | None) -> Outputs | Park:
        """The time came, or a person ended it with a reason."""
        if answer is None or answer.choice != GO_ON or not answer.text.strip():
            return self._waits(act)
        return Waited(
            until=self._ends(act).isoformat(), ended=act.now.isoformat(), cut_short=True, by=answer.person,
            text=answer.text, in_place_of=answer.in_place_of,
        )  # fmt: skip

    def say(self, done: Waited) -> str:
        """What for, and whether it was cut short."""
        return f"waited: {self.why}" + (f"; cut short: {done.text}" if done.cut_short else "")
