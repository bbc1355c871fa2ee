"""`/incident release`: the hold on a timeline ends."""

from __future__ import annotations

from typing import Annotated

from commands import asking_two
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import InIncident
from playbooks.engine.decisions import release
from storage.inbox import Ask


@command("incident release", group="The record", place="incident", examples=("incident release the case is closed",))
class Release(InIncident):
    """Ask for the hold on this timeline to end; two people decide"""

    reason: Annotated[str, Arg("rest", "why it need not be kept any more")]

    async def before(self, ask: Ask, house: House) -> None:
        """Look at people now."""
        await asking_two.look(ask, house)

    def act(self, call: Call, seen: None) -> Reply:
        """Then retention counts again."""
        made = release.ask(
            call.tx, call.house.engine.house, stream=call.here.id, asked_by=call.person, reason=self.reason
        )
        return asking_two.asked(call, made)
