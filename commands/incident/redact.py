"""`/incident redact`: words that must not stand on the timeline."""

from __future__ import annotations

from typing import Annotated

from commands import asking_two
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import InIncident
from playbooks.engine.decisions import redact
from storage.inbox import Ask


@command(
    "incident redact",
    group="The record",
    place="incident",
    examples=("incident redact 41 a customer's name", "incident redact INC-42 41 a customer's name"),
)
class Redact(InIncident):
    """Ask for the words of one event to be erased for good; two people decide"""

    event: Annotated[int, Arg("number", "its number on the timeline")]
    reason: Annotated[str, Arg("rest", "why, without the words themselves")]

    async def before(self, ask: Ask, house: House) -> None:
        """Look at people now."""
        await asking_two.look(ask, house)

    def act(self, call: Call, seen: None) -> Reply:
        """Who asked may be one of the two."""
        made = redact.ask(
            call.tx, call.house.engine.house, stream=call.here.id, seq=self.event, asked_by=call.person,
            reason=self.reason,
        )  # fmt: skip
        return asking_two.asked(call, made)
