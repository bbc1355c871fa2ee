"""`/incident postmortem`: a draft of what happened, from the timeline as it stands."""

from __future__ import annotations

from commands.command import Call, Reply, command
from commands.places import InIncident
from commands.starting import start
from commands.timers import settle
from commands.words import clock, esc, lines
from storage import documents


@command(
    "incident postmortem",
    group="Start and end",
    place="incident",
    examples=("incident postmortem", "incident postmortem INC-42"),
)
class Postmortem(InIncident):
    """Draft the post-mortem from the timeline"""

    def act(self, call: Call, seen: None) -> Reply:
        """Always a fresh draft; the last one is linked, so that nobody waits for it."""
        found = call.here
        kept = documents.of_stream(call.tx, found.id)
        run = start(call, "comms/post-mortem", {}, found)
        settle.arm(call.tx, run)
        where = "its channel" if found.channel else "Muster's documents"
        text = f"📝 Drafting the post-mortem of *{found.id}* from its timeline … it is shared in {where}."
        if not kept:
            return Reply(text=text)
        last = kept[-1]
        before = f"The last draft: *{esc(last.name)}* of {clock(last.created_at, call.tx.now)} UTC."
        return Reply(text=lines(text, before), document=last.id)
