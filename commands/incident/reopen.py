"""`/incident reopen`: it is back."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.incident.sev import Sev
from commands.places import InIncident, bare
from commands.words import dot, lines, name_of
from storage import cards, runs, standing
from storage.inbox import Ask


@command(
    "incident reopen",
    who="declare",
    group="Start and end",
    place="incident",
    examples=("incident reopen errors are back since 14:40", "incident reopen INC-42 it was not the index"),
)
class Reopen(InIncident):
    """Open it again because it is back, with the reason: the on-call is paged anew and the clocks run

    What ended stays on the timeline, anchored. A status page incident that was closed stays closed: publish anew.
    """

    reason: Annotated[str, Arg("rest", "what is back")]

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident reopen` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The entry, then all that declaring it with this severity would set off."""
        tx, policy = call.tx, call.house.policy
        found = standing.reopen(tx, call.here.id, by=call.person, reason=self.reason)
        severity = policy.severity(found.severity)
        again = Sev(severity=found.severity, reason=self.reason)
        said = [*again.clocks(call, found, severity), *again.raised(call, found, severity, anew=True)]
        cards.want(tx, "board", found.id, found.id)
        first = f"{dot(policy, found.severity)} {name_of(found)} is *open again*."
        return Reply(text=lines(first, *said, self._archived(call)), data={"incident": found.id})

    def _archived(self, call: Call) -> str:
        mine = runs.of_incident(call.tx, call.here.id)
        if not any(run.playbook == "close/archive" and run.state == "succeeded" for run in mine):
            return ""
        return (
            "⚠️ Its channel is archived, and Slack lets no bot unarchive it: a person must, in the channel's settings."
        )
