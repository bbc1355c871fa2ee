"""`/incident leftovers`: what its runs changed, and nobody took back or let stay."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.leaving import buttons, left, listed, stays
from commands.places import InIncident
from commands.words import lines


@command(
    "incident leftovers",
    group="Look",
    place="incident",
    examples=("incident leftovers", "incident leftovers after=8"),
)
class Leftovers(InIncident):
    """List what playbooks changed and nobody took back or let stay, with what to do about each"""

    after: Annotated[int, Arg("number", "go on behind this one", keyed=True)] = 0

    def act(self, call: Call, seen: None) -> Reply:
        """A page of them; each can be taken back or accepted by a button."""
        found = left(call, call.here)
        data = {"leftovers": [{"run": one.run, "step": one.idx} for one in found]}
        if not found:
            return Reply(text=lines(f"Nothing is left over of *{call.here.id}*.", stays(call, call.here)), data=data)
        page, first = found[self.after :], self.after + 1
        if not page:
            said = f"*{call.here.id}* has {len(found)} left over; none is behind number {self.after}. "
            said += f"`/incident leftovers {call.here.id}` lists them."
            return Reply(text=said, ok=False, data=data)
        head = f"↩️ *{call.here.id}*: {len(found)} left over."
        more = buttons(call, page, first)
        return Reply(text=lines(head, *listed(call, page, first)), buttons=tuple(more), data=data)
