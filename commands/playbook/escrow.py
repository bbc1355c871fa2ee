"""`/playbook escrow`: who an erased person was, when somebody must answer for it."""

from __future__ import annotations

from typing import Annotated

from commands import asking_two
from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.house import House
from playbooks.engine.decisions import open_escrow
from storage.inbox import Ask


@command(
    "playbook escrow",
    group="The record",
    examples=("playbook escrow P-7AQ2MZKXW4TB the regulator asks who approved INC-42/2",),
)
class Escrow(Command):
    """Ask for the sealed identity of an erased person to be opened once; an administrator and a second person decide"""

    person: Annotated[str, Arg("anybody", "the id on timelines (P-…)")]
    reason: Annotated[str, Arg("rest", "why")]

    async def before(self, ask: Ask, house: House) -> None:
        """Look at people now."""
        await asking_two.look(ask, house)

    def act(self, call: Call, seen: None) -> Reply:
        """It is read on a terminal afterwards, never in Slack."""
        made = open_escrow.ask(
            call.tx, call.house.engine.house, person=asking_two.person_of(call, self.person), asked_by=call.person,
            reason=self.reason,
        )  # fmt: skip
        return asking_two.asked(call, made)
