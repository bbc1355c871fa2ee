"""What a triage card's alerts bring to an incident, and what is told back to where they came from.

Belongs here: taking a card into an incident, and PagerDuty's acknowledgement as a run. Does not belong here: which
alerts stand on a card (commands/hooks/alerts.py), the rows (storage/triage.py).
"""

from __future__ import annotations

from datetime import datetime

from commands.command import Call
from commands.starting import try_start
from playbooks.errors import Refused
from storage import incidents, triage
from storage.db import savepoint
from storage.incidents import Impossible, Incident
from storage.triage import Triage

ACKNOWLEDGE = "alert/acknowledge"


def card_of(call: Call, said: str) -> Triage:
    """The card named "T-7", still undecided. Raises Refused or Impossible."""
    return triage.undecided(call.tx, said.upper())


def take(call: Call, card: Triage, incident: Incident, *, joined: bool) -> None:
    """The card belongs to the incident from now on: its link, its first alert's time, and PagerDuty hears of it."""
    tx = call.tx
    since = triage.counted(tx, card.id).since
    triage.take(tx, card.id, incident.id, by=call.person, joined=joined)
    if card.url and not incident.facts.get("alert_url"):
        incidents.set_facts(tx, incident.id, {"alert_url": card.url})
    if since is not None and not joined:
        _detected(call, incident, since)
    acknowledge_back(call, card, incident)


def acknowledge_back(call: Call, card: Triage, incident: Incident | None = None) -> None:
    """Acknowledge what PagerDuty still calls people for, one run for each page. What cannot start is on the card."""
    about = incident or call.incident
    for page in triage.counted(call.tx, card.id).pages if about else ():
        assert about is not None
        _, problem = try_start(call, ACKNOWLEDGE, {"page": page}, about)
        if problem:
            triage.change(call.tx, card, note=f"PagerDuty was not told: {problem[:200]}")


def _detected(call: Call, incident: Incident, since: datetime) -> None:
    """When it was detected is what the alert says, where that fits the incident's other times."""
    if since >= incident.declared_at:
        return
    try:
        with savepoint(call.tx):
            incidents.set_time(call.tx, incident.id, "detected", since, by="muster", claimed_by="muster")
    except Impossible:
        return


def same_service(call: Call, card: Triage) -> list[Incident]:
    """Incidents of the card's service that are going on and may be named in a public place."""
    return [
        one for one in incidents.open_ones(call.tx) if card.service and one.service == card.service and not one.private
    ]


__all__ = ["ACKNOWLEDGE", "Refused", "acknowledge_back", "card_of", "same_service", "take"]
