"""`/incident unsubscribe`: be told no more."""

from __future__ import annotations

from commands.command import Call, Reply, command
from commands.places import InIncident
from storage import standing


@command("incident unsubscribe", group="People", place="incident", examples=("incident unsubscribe INC-42",))
class Unsubscribe(InIncident):
    """Be told no more when it changes"""

    def act(self, call: Call, seen: None) -> Reply:
        """The reminders of what you have to do stay."""
        standing.follow(call.tx, call.here.id, call.person, on=False)
        return Reply(text=f"🔕 You are told no more when *{call.here.id}* changes.")
