"""What an incident does to people: who is hit, since when, which services, until when. Told by events alone.

Belongs here: writing those events and folding them. Does not belong here: severity, status and times of the response
(incidents.py). The service an incident is about first is a column of its row; the others are told here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import update

from storage import cards, incidents, timeline, timers
from storage.db import Tx
from storage.incidents import Impossible, Incident
from storage.tables import incidents as rows
from storage.timeline import Entry, Event
from storage.types import from_iso

TYPES = ("incident.impact", "incident.eta", "incident.service", "incident.reopened")
ETA = "eta"


@dataclass(frozen=True)
class Impact:
    """The latest word on each. users, revenue, text: as people typed them ("(erased)" once they are); others: services
    beside the first."""

    users: str = ""
    revenue: str = ""
    text: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    eta: datetime | None = None
    others: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anybody said who is hit."""
        return bool(self.users or self.revenue or self.text or self.began_at or self.ended_at)


def of_incident(tx: Tx, incident: str) -> Impact:
    """What was said so far; empty where nobody said anything."""
    found = Impact()
    for event in timeline.read(tx, incident, types=TYPES):
        found = _told(found, event)
    return found


def _told(found: Impact, event: Event) -> Impact:
    if event.type == "incident.eta":
        return replace(found, eta=_time(event, "at"))
    if event.type == "incident.service":
        return replace(found, others=tuple(event.body.get("others") or ()))
    if event.type == "incident.reopened":  # it goes on: when it ended and when it should be over is no longer so
        return replace(found, ended_at=None, eta=None)
    values: dict[str, Any] = {name: event.text(name) for name in ("users", "revenue", "text") if name in event.texts}
    values |= {name: at for name, key in (("began_at", "from"), ("ended_at", "to")) if (at := _time(event, key))}
    return replace(found, **values)


def _time(event: Event, key: str) -> datetime | None:
    value = event.body.get(key)
    return from_iso(str(value)) if value else None


def say(
    tx: Tx, incident: str, *, by: str, users: str = "", revenue: str = "", text: str = "",
    began_at: datetime | None = None, ended_at: datetime | None = None,
) -> int:  # fmt: skip
    """Who is hit, as known now, also after the end; what is left out stays as it was said. Returns the event's number.

    Raises Impossible for a time to come, or an end before the beginning.
    """
    incidents.locked(tx, incident)
    before = of_incident(tx, incident)
    begins, ends = began_at or before.began_at, ended_at or before.ended_at
    if max((one for one in (began_at, ended_at) if one), default=tx.now) > tx.now:
        raise Impossible("An impact cannot begin or end in the future. Nothing was changed.")
    if begins and ends and ends < begins:
        raise Impossible(
            f"It cannot end ({ends:%d %b %H:%M}) before it began ({begins:%d %b %H:%M}). Nothing was changed.",
            todo="Say both: `/incident impact from=13:59 to=14:11` (UTC).",
        )
    texts = _typed(users=users, revenue=revenue, text=text)
    cards.want(tx, "board", incident, incident)
    return timeline.append(tx, incident, Entry("incident.impact", by, {"from": began_at, "to": ended_at}, texts))[0]


def set_eta(tx: Tx, incident: str, at: datetime, *, by: str, reason: str = "") -> int:
    """When it is expected to be over; a timer looks then. Returns the event's number. Raises Impossible once it is."""
    found = _open(tx, incident)
    texts = _typed(reason=reason)
    timers.set(tx, ETA, found.id, at)
    cards.want(tx, "board", incident, incident)
    return timeline.append(tx, found.id, Entry("incident.eta", by, {"at": at}, texts))[0]


def add_service(tx: Tx, incident: str, service: str, *, by: str) -> int:
    """It hits this service too. Raises Impossible when that is known, or the incident has ended."""
    found = _open(tx, incident)
    others = of_incident(tx, incident).others
    if service == found.service or service in others:
        raise Impossible(f"{incident} is about {service} already. Nothing was changed.",
                         todo=f"`/incident page incident={incident} {service}` calls its on-call.")  # fmt: skip
    return _services(
        tx, found, "added", service, found.service or service, (*others, service) if found.service else (), by
    )


def remove_service(tx: Tx, incident: str, service: str, *, by: str) -> int:
    """It does not hit this one after all. Raises Impossible when nobody said so, or the incident has ended."""
    found = _open(tx, incident)
    others = of_incident(tx, incident).others
    if service not in (found.service, *others):
        there = ", ".join(one for one in (found.service, *others) if one) or "none"
        raise Impossible(f"{incident} is not about {service}, but about: {there}. Nothing was changed.",
                         todo=f"`/incident service incident={incident} add {service}` adds it.")  # fmt: skip
    left = tuple(one for one in (found.service, *others) if one and one != service)
    return _services(tx, found, "removed", service, left[0] if left else None, left[1:], by)


def _services(
    tx: Tx, found: Incident, change: str, service: str, first: str | None, others: tuple[str, ...], by: str
) -> int:
    mine = update(rows).where(rows.c.id == found.id)
    tx.conn.execute(mine.values(service=first, revision=rows.c.revision + 1))
    body = {"change": change, "service": service, "first": first, "others": list(others)}
    cards.want(tx, "board", found.id, found.id)
    if not found.private:
        cards.want(tx, "announcement", found.id, found.id)
    return timeline.append(tx, found.id, Entry("incident.service", by, body))[0]


def _open(tx: Tx, incident: str) -> Incident:
    found = incidents.locked(tx, incident)
    if not found.open:
        raise Impossible(
            f"{incident} was {found.status}; nothing was changed.",
            todo=f"`/incident note incident={incident} …` still writes to its timeline.",
        )
    return found


def _typed(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}
