"""The base of reads that may have to wait for what they look for. Declares no action."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta

from pydantic import Field

from playbooks.action import Action, Plan, World
from playbooks.actions.durations import Length
from playbooks.durations import words
from playbooks.errors import MusterError, NotYet, Refused


class Probe(Action):
    """A look at something that must be so, at once or within a time. Subclasses look, and say what must be."""

    within: Length = Field(
        default=timedelta(0), description="How long it may take until it is so (2m, 90s or seconds); 0s is now or never"
    )

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    @abstractmethod
    def wanted(self) -> str:
        """What must be, in a few words: "env://DSN answers"."""

    async def plan(self, world: World) -> Plan:
        """Looks once and says what it sees now and what must be."""
        limit = f" within {words(self.within)}" if self.within else ""
        effect = f"{self.wanted()}{limit}"
        try:
            seen = await self.look(world)
        except NotYet as error:
            return Plan(effect=effect, notes=(f"Now: {error.message}",))
        return Plan(effect=effect, notes=(f"Now: {self.say(seen)}",), outputs=seen.model_dump(mode="json"))

    def missing(self, words: str, *, todo: str = "") -> MusterError:
        """What is raised when it is not so: looked at again while there is time, else refused."""
        return NotYet(words) if self.within else Refused(words, todo=todo)
