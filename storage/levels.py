"""The disaster level of an incident: kept among its facts, with the event that says who declared it.

Belongs here: writing and reading that word. Does not belong here: which levels there are (policy), what one sets off.
"""

from __future__ import annotations

from storage import incidents, timeline
from storage.db import Tx
from storage.incidents import Impossible, Incident
from storage.timeline import Entry

FACT = "disaster_level"


def level_of(incident: Incident) -> str | None:
    """The level declared last, None where there is none or it was lifted."""
    found = incident.facts.get(FACT)
    return str(found) if found else None


def set_level(tx: Tx, incident: str, level: str | None, *, by: str, reason: str) -> str | None:
    """Declare a level, or lift it (None); returns the one before.

    Raises Impossible when the incident has ended or that is its level already.
    """
    found = incidents.get(tx, incident, lock=True)
    if found is None or not found.open:
        raise Impossible(f"{incident} has ended; its disaster level cannot change any more. Nothing was changed.")
    before = level_of(found)
    if before == level:
        said = f"*{level}* already" if level else "not declared a disaster"
        raise Impossible(f"{incident} is {said}; nothing was changed.")
    incidents.set_facts(tx, incident, {FACT: level})
    timeline.append(tx, incident, Entry("incident.level", by, {"from": before, "to": level}, {"reason": reason}))
    return before
