"""`/incident catchup`: for who joins late."""

from __future__ import annotations

from commands.briefing import brief
from commands.command import Button, Call, Reply, command
from commands.incident.status import Status
from commands.places import InIncident
from commands.words import lines


@command("incident catchup", group="Look", place="incident", examples=("incident catchup", "incident catchup INC-42"))
class Catchup(InIncident):
    """Catch up: how it stands, who does what, what was tried, what waits

    Only you see it. The numbers in brackets are events of the timeline.
    """

    def act(self, call: Call, seen: None) -> Reply:
        """From rows alone."""
        found = call.here
        head = Status(incident=found.id).act(call, None).text
        parts = brief(call, found)
        button = Button(label="Subscribe", line=f"incident subscribe {found.id}")
        data = {"incident": found.id, "status": found.status, "lines": parts}
        return Reply(text=lines(head, *parts), buttons=(button,) if found.open else (), data=data)
