"""`/playbook auditor`: somebody may look at the whole record for some days."""

from __future__ import annotations

from typing import Annotated

from commands import asking_two
from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.house import House
from playbooks.engine.decisions import auditor
from storage.inbox import Ask


@command(
    "playbook auditor",
    group="The record",
    examples=("playbook auditor @eve ABCD-EFGK days=14 the yearly audit",),
)
class Auditor(Command):
    """Ask for a terminal to verify and export the record for some days; an administrator and a second person decide

    The auditor runs `muster login`, which shows a code and waits ten minutes: two people must decide within them.
    """

    person: Annotated[str, Arg("anybody", "a mention such as @eve")]
    pairing: Annotated[str, Arg("word", "the code that `muster login` shows")]
    days: Annotated[int, Arg("number", "for how many days, 1 to 90", keyed=True)] = 14
    reason: Annotated[str, Arg("rest", "why")]

    async def before(self, ask: Ask, house: House) -> None:
        """Look at people now."""
        await asking_two.look(ask, house)

    def act(self, call: Call, seen: None) -> Reply:
        """Nobody lets themselves in."""
        made = auditor.ask(
            call.tx, call.house.engine.house, person=asking_two.person_of(call, self.person), pairing=self.pairing,
            days=self.days, asked_by=call.person, reason=self.reason,
        )  # fmt: skip
        return asking_two.asked(call, made)
