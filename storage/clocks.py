"""Regulatory clocks of an incident (GDPR's 72 h), told by events alone, and reminders that people put off.

Belongs here: writing those events, folding them into clocks, the one timer of each. Does not belong here: which clocks
there are (policy), who is reminded and when (commands/timers/clock.py).
A clock runs from when people became aware. That time may be corrected by a later event, with a reason; nothing resets
a clock, and it also runs on after the incident has ended, since the law does not care.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from storage import cards, incidents, timeline, timers
from storage.db import Tx
from storage.incidents import Impossible
from storage.timeline import Entry
from storage.types import from_iso

KIND = "clock"
TYPES = ("clock.started", "clock.corrected", "clock.notified")


@dataclass(frozen=True)
class LegalClock:
    """One running clock. name: of the policy's `clocks`; by, notified_by: person ids; notified_at: as they say."""

    incident: str
    name: str
    aware_at: datetime
    due_at: datetime
    by: str
    started_at: datetime
    corrected: int = 0
    notified_at: datetime | None = None
    notified_by: str | None = None

    @property
    def running(self) -> bool:
        """Whether the notice is still owed."""
        return self.notified_at is None

    @property
    def id(self) -> str:
        """INC-42/gdpr, the subject of its timer."""
        return f"{self.incident}/{self.name}"

    def gone(self, now: datetime) -> float:
        """How much of its time is over: 0.5 is half, from 1 on it is due."""
        return (now - self.aware_at) / (self.due_at - self.aware_at)

    def at(self, part: float) -> datetime:
        """When this much of its time is over."""
        return self.aware_at + (self.due_at - self.aware_at) * part


def of_incident(tx: Tx, incident: str) -> list[LegalClock]:
    """All of them, in the order they were started."""
    found: dict[str, LegalClock] = {}
    for event in timeline.read(tx, incident, types=TYPES):
        name = str(event.body["clock"])
        if event.type == "clock.notified":
            at, by = from_iso(str(event.body["at"])), str(event.body["person"])
            found[name] = replace(found[name], notified_at=at, notified_by=by)
            continue
        aware, due = from_iso(str(event.body["aware_at"])), from_iso(str(event.body["due_at"]))
        if event.type == "clock.started":
            found[name] = LegalClock(incident, name, aware, due, event.actor, event.at)
        else:
            found[name] = replace(found[name], aware_at=aware, due_at=due, corrected=found[name].corrected + 1)
    return list(found.values())


def get(tx: Tx, incident: str, name: str) -> LegalClock | None:
    """One of them, or None when it was never started."""
    return next((one for one in of_incident(tx, incident) if one.name == name), None)


def start(
    tx: Tx, incident: str, name: str, *, by: str, aware_at: datetime, within: timedelta, reason: str
) -> tuple[LegalClock, int]:
    """Start it, or correct since when it runs; with the event's number.

    Raises Impossible for a time to come, for one that runs so already, and for one whose notice was given.
    """
    incidents.locked(tx, incident)
    before = get(tx, incident, name)
    if aware_at > tx.now:
        raise Impossible(f"Nobody can be aware of it in the future ({aware_at:%d %b %H:%M} UTC). Nothing was changed.")
    if before is not None and not before.running:
        raise Impossible(f"The notice of {name} was given at {before.notified_at:%d %b %H:%M} UTC; its clock stands.")
    due = aware_at + within
    body = {"clock": name, "aware_at": aware_at, "due_at": due}
    if before is None:
        entry = Entry("clock.started", by, body, {"reason": reason}, source_at=aware_at, claimed_by=by)
    elif before.aware_at == aware_at:
        raise Impossible(f"The clock of {name} runs since then already. Nothing was changed.")
    else:
        entry = Entry("clock.corrected", by, body | {"before": before.aware_at}, {"reason": reason})
    cards.want(tx, "board", incident, incident)
    seq = timeline.append(tx, incident, entry)[0]
    found = get(tx, incident, name)
    assert found is not None
    timers.set(tx, KIND, found.id, tx.now)  # looks at once, and sets itself to what comes next
    return found, seq


def notified(tx: Tx, incident: str, name: str, *, by: str, person: str, at: datetime, reference: str) -> int:
    """Somebody gave the notice; returns the event's number. Raises Impossible when it was given, or never owed."""
    incidents.locked(tx, incident)
    found = get(tx, incident, name)
    if found is None:
        raise Impossible(
            f"No clock of {name} runs in {incident}. Nothing was changed.",
            todo=f"`/incident clock {name} <why>` starts it.",
        )
    if found.notified_at:
        raise Impossible(f"The notice of {name} was given at {found.notified_at:%d %b %H:%M} UTC. Nothing was changed.")
    if not found.aware_at <= at <= tx.now:
        raise Impossible(
            f"{at:%d %b %Y %H:%M} UTC is {'in the future' if at > tx.now else 'before somebody was aware'}: a notice "
            f"is given between {found.aware_at:%d %b %Y %H:%M} UTC and now. Nothing was changed.",
            todo=f"Try `/incident notified {name} incident={incident} at 14:05 <reference>`",
        )
    body = {"clock": name, "person": person, "at": at, "late": at > found.due_at}
    texts = {"reference": reference} if reference else {}
    timers.cancel(tx, KIND, found.id)
    cards.want(tx, "board", incident, incident)
    return timeline.append(tx, incident, Entry("clock.notified", by, body, texts, source_at=at, claimed_by=by))[0]


def snoozed(tx: Tx, incident: str, what: str, until: datetime, *, by: str) -> int:
    """Somebody put the reminders about `what` off; what is due stays due. Returns the event's number."""
    return timeline.append(tx, incident, Entry("clock.snoozed", by, {"what": what, "until": until}))[0]
