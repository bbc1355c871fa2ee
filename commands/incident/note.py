"""`/incident note`: words that belong on the timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.words import clock
from storage import incidents
from storage.inbox import Ask


@command(
    "incident note",
    group="While it goes on",
    place="incident",
    examples=("incident note restarted the proxy", "incident note at 14:05 saw the first errors"),
)
class Note(InIncident):
    """Write something down on the timeline, now or `at 14:05`"""

    at: Annotated[datetime | None, Arg("time", "when it was, if not now", keyed=True, lead="at")] = None
    text: Annotated[str, Arg("rest", "what happened")]

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident note` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """Also after the end: the story is often written then."""
        found = call.here
        seq = incidents.note(call.tx, found.id, self.text, by=call.person, at=self.at)
        dated = f" for {clock(self.at, call.tx.now)} UTC, on your word" if self.at else ""
        return Reply(text=f"📝 Noted on *{found.id}*{dated} (event {seq}).", data={"event": seq})
