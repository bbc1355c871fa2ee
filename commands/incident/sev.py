"""`/incident sev`: how bad it is, as known now."""

from __future__ import annotations

from typing import Annotated

from commands.by_hand import call_by_hand
from commands.cadence import cadence_of
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.words import clock, dot, lines
from playbooks.durations import words as length_words
from storage import incidents, timers
from storage.inbox import Ask
from storage.incidents import Incident


@command(
    "incident sev",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident sev sev2 only one shop is hit",),
)
class Sev(InIncident):
    """Change the severity, with the reason"""

    severity: Annotated[str, Arg("severity", "how bad it is now")]
    reason: Annotated[str, Arg("rest", "why")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident sev` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The clocks of the new severity count from now."""
        before = call.here
        found = incidents.set_severity(call.tx, before.id, self.severity, by=call.person, reason=self.reason)
        said = self._clocks(call, found)
        mark = dot(call.house.policy, found.severity)
        return Reply(text=lines(f"{mark} *{found.id}* is *{found.severity}* now (was {before.severity}).", *said))

    def _clocks(self, call: Call, found: Incident) -> list[str]:
        policy, tx, said = call.house.policy, call.tx, []
        severity = policy.severity(found.severity)
        cadence = cadence_of(severity, private=found.private)
        incidents.set_update_due(tx, found.id, tx.now + cadence if cadence else None)
        if cadence:
            said.append(f"Next update due *{clock(tx.now + cadence, tx.now)} UTC* (every {length_words(cadence)}).")
        if severity.page_within is not None and not found.facts.get("page_key"):
            within = length_words(severity.page_within)
            by_hand = call_by_hand(policy, found.service)
            said.append(f"⚠️ {found.severity} pages within {within} and nobody was paged for {found.id} yet. {by_hand}")
        elif severity.acknowledge_within and found.acknowledged_at is None:
            timers.set(tx, "acknowledge", found.id, tx.now + severity.acknowledge_within)
        return said
