"""`/incident detected`: when it was first seen, which is where the clocks of an outage begin."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.words import clock, lasted
from storage import incidents
from storage.inbox import Ask


@command("incident detected", group="While it goes on", place="incident", examples=("incident detected 13:59",))
class Detected(InIncident):
    """Say when it was first seen"""

    when: Annotated[datetime, Arg("time", "13:59 in UTC")]

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident detected` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The latest word counts; earlier ones stay on the timeline."""
        found = call.here
        seq = incidents.set_time(call.tx, found.id, "detected", self.when, by=call.person)
        early = lasted(found.declared_at - self.when)
        text = f"🕐 *{found.id}* was detected at *{clock(self.when, call.tx.now)} UTC*, {early} before it was declared"
        return Reply(text=f"{text} (event {seq}).", data={"event": seq})
