"""`/incident cancel`: it was none."""

from __future__ import annotations

from typing import Annotated

from commands import leaving
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.reaching import end_calls
from commands.starting import try_start
from commands.timers import settle
from commands.words import lines, safe
from storage import incidents
from storage.inbox import Ask


@command(
    "incident cancel",
    who="declare",
    group="Start and end",
    place="incident",
    examples=("incident cancel false alarm of the probe",),
)
class Cancel(InIncident):
    """End it because it was no incident, with the reason"""

    reason: Annotated[str, Arg("rest", "why it was none")]

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident cancel` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The entry, the run that calls people off, the anchor last."""
        found = incidents.cancel(call.tx, call.here.id, by=call.person, reason=self.reason)
        name = call.house.policy.severity(found.severity).cancel
        run, problem = try_start(call, name, {"reason": self.reason, "text": self.reason}, found)
        if run:
            settle.arm(call.tx, run)
        end_calls(call, found)
        head = incidents.anchor(call.tx, found.id)
        after = "Calling people off: the page and the status page are closed."
        if problem:
            after = f"⚠️ The page and the status page were *not* closed: {safe(problem)} Close them by hand."
        first = f"🚫 *{found.id} cancelled*. Timeline anchored at event {head.seq} `{head.short}`."
        steps = leaving.left(call, found)
        over = f"↩️ {len(steps)} left over of its runs: `/incident leftovers {found.id}`." if steps else ""
        return Reply(text=lines(first, after, over), data={"incident": found.id, "event": head.seq, "hash": head.hash})
