"""`/incident eta`: when it is expected to be over."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.words import clock
from storage import impact
from storage.inbox import Ask


@command(
    "incident eta",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident eta 45m the replica is catching up", "incident eta 15:30"),
)
class Eta(InIncident):
    """Say when you expect it to be over

    Shown on the board; nothing is published. When the time has come and it is not over, whoever leads is asked.
    """

    at: Annotated[datetime, Arg("until", "45m from now, or 15:30 (UTC)")]
    reason: Annotated[str, Arg("rest", "what it depends on")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident eta` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The event and its timer."""
        seq = impact.set_eta(call.tx, call.here.id, self.at, by=call.person, reason=self.reason)
        when = clock(self.at, call.tx.now)
        return Reply(
            text=f"*{call.here.id}* is expected to be over at *{when} UTC* (event {seq}).", data={"event": seq}
        )
