"""`/incident subscribe`: be told when it changes."""

from __future__ import annotations

from commands.command import Button, Call, Reply, command
from commands.places import InIncident
from storage import standing


@command("incident subscribe", group="People", place="incident", examples=("incident subscribe INC-42",))
class Subscribe(InIncident):
    """Be told by direct message of every update and change of status, without joining the channel"""

    def act(self, call: Call, seen: None) -> Reply:
        """Anybody who may see it."""
        found = call.here
        standing.follow(call.tx, found.id, call.person, on=True)
        stop = Button(label="Unsubscribe", line=f"incident unsubscribe {found.id}")
        return Reply(text=f"🔔 You are told when *{found.id}* changes.", buttons=(stop,))
