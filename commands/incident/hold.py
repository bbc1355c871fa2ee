"""`/incident hold`: this timeline is kept, however old it gets."""

from __future__ import annotations

from typing import Annotated

from commands import asking_two
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import InIncident
from playbooks.engine.decisions import hold
from storage.inbox import Ask


@command("incident hold", group="The record", place="incident", examples=("incident hold case 7 at court",))
class Hold(InIncident):
    """Ask for this timeline to be kept beyond its retention; two people decide"""

    reason: Annotated[str, Arg("rest", "why it must be kept")]

    async def before(self, ask: Ask, house: House) -> None:
        """Look at people now."""
        await asking_two.look(ask, house)

    def act(self, call: Call, seen: None) -> Reply:
        """Nothing is pruned while it lasts."""
        made = hold.ask(call.tx, call.house.engine.house, stream=call.here.id, asked_by=call.person, reason=self.reason)
        return asking_two.asked(call, made)
