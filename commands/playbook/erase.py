"""`/playbook erase`: a person who must be forgotten."""

from __future__ import annotations

from typing import Annotated

from commands import asking_two
from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.house import House
from playbooks.engine.decisions import erase_person
from storage.inbox import Ask


@command(
    "playbook erase",
    group="The record",
    examples=("playbook erase @ben asked to be forgotten", "playbook erase P-7AQ2MZKXW4TB left the company"),
)
class Erase(Command):
    """Ask for a person's name, e-mail and accounts to be erased; an administrator and a second person decide"""

    who_is: Annotated[str, Arg("anybody", "a mention such as @ben, or the id on timelines (P-…)")]
    reason: Annotated[str, Arg("rest", "why")]

    async def before(self, ask: Ask, house: House) -> None:
        """Look at people now."""
        await asking_two.look(ask, house)

    def act(self, call: Call, seen: None) -> Reply:
        """Nobody decides about themselves."""
        person = asking_two.person_of(call, self.who_is)
        made = erase_person.ask(
            call.tx, call.house.engine.house, person=person, asked_by=call.person, reason=self.reason
        )
        return asking_two.asked(call, made)
