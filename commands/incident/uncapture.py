"""`/incident uncapture`: a message was on the timeline and should not stand for it any more."""

from __future__ import annotations

from typing import Annotated

from commands.capturing import Looked, look, marked, place_of
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import InIncident
from playbooks.errors import Refused
from storage import captures
from storage.inbox import Ask


@command(
    "incident uncapture",
    group="While it goes on",
    place="here",
    examples=("incident uncapture https://example.slack.com/archives/C0123456789/p1763820125000100",),
)
class Uncapture(InIncident):
    """Take a message back: the timeline says so, and keeps what it said

    Taking the last pin or reaction off does the same. Words that must go are erased by `/incident redact`.
    """

    message: Annotated[str, Arg("message", "the message's link")]
    how: Annotated[str, Arg("choice", "by what", keyed=True, choices=("typed", "pin", "reaction"))] = "typed"

    async def before(self, ask: Ask, house: House) -> Looked:
        """Whether somebody still marks it."""
        return await look(house, *place_of(self.message)) if self.how != "typed" else Looked()

    def act(self, call: Call, seen: Looked) -> Reply:
        """Only when nobody marks it any more; where nobody could look, it stays and the person is told."""
        found, (channel, ts) = call.incident, place_of(self.message)
        quiet = self.how != "typed"
        known = captures.get(call.tx, channel, ts, found.id) if found else None
        if known is None or known.state != captures.KEPT or found is None:
            if quiet:
                return Reply(text="")
            raise Refused("That message is on no timeline here. Nothing was changed.", todo="`/incident timeline`")
        if quiet and seen.problem:
            raise Refused(f"{seen.problem} So it is not known whether somebody still marks it: it stays on {found.id}.",
                          todo="`/incident uncapture` with its link takes it back.")  # fmt: skip
        if quiet and seen.said is not None and marked(call.house.policy, seen.said):
            return Reply(text="")
        seq = captures.removed(call.tx, known, by=call.person, how=self.how)
        return Reply(
            text=f"↩️ Taken back on *{found.id}* (event {seq}). What it said stays at event {known.event}.",
            data={"event": seq},
        )
