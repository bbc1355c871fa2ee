"""`/incident service`: what it hits too, or does not after all."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.words import esc, joined, lines
from playbooks.durations import words as length_words
from storage import impact, incidents
from storage.inbox import Ask


@command(
    "incident service",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident service add auth", "incident service remove auth"),
)
class Service(InIncident):
    """Add a service that is hit, or remove one that is not

    The first one is what playbooks take when none is named. Nobody is paged by this: `/incident page <service>` does.
    """

    change: Annotated[str, Arg("choice", "add or remove", choices=("add", "remove"))]
    service: Annotated[str, Arg("service", "which one")]

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident service` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The event, and what the incident is about now."""
        tx, id, policy = call.tx, call.here.id, call.house.policy
        change = impact.add_service if self.change == "add" else impact.remove_service
        seq = change(tx, id, self.service, by=call.person)
        found = incidents.get(tx, id)
        first = found.service if found else None
        about = [one for one in (first, *impact.of_incident(tx, id).others) if one]
        known = policy.services[self.service]
        objective = f"*{esc(known.title or known.name)}*: tier {known.tier}, RTO {length_words(known.rto)}."
        ring = known.pagerduty.escalation_policy and self.change == "add"
        said = (
            f"*{id}* is about *{esc(joined(about))}* (event {seq})."
            if about
            else f"*{id}* names no service (event {seq})."
        )
        call_them = Button(label="Page its on-call", line=f"incident page {id} {self.service}")
        return Reply(
            text=lines(said, objective if self.change == "add" else ""),
            buttons=(call_them,) if ring else (),
            data={"services": about, "event": seq},
        )
