"""What stands beside an incident: links, other incidents, who follows it, that it is closed, private, or open again.

Belongs here: these words, each with its event. Short machine words are facts of the incident; what people typed stands
in event texts alone, where it can be erased. Does not belong here: roles, times and ends (incidents.py), tasks.
Each locks the incident's row first, and raises Impossible when the record says no.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update

from storage import cards, incidents, timeline, timers
from storage.db import Tx
from storage.incidents import Impossible, Incident
from storage.tables import incidents as rows
from storage.timeline import Entry
from storage.types import from_iso, iso

PARENT, RELATED, DUPLICATE, FOLLOWERS, CLOSED = "parent", "related", "duplicate_of", "followers", "closed_at"
ARCHIVE = "archive"  # the kind of the timer that archives the channel
# What the outside learned of an end that is none any more: the next publish is a new one.
FORGOTTEN = ("status_page_incident", "status_page_url", CLOSED)


@dataclass(frozen=True)
class Link:
    """A link people put on the incident. title, url: as typed."""

    seq: int
    title: str
    url: str


def link(tx: Tx, incident: str, url: str, title: str, *, by: str) -> int:
    """Keep a link, also after the end. Returns the event's number."""
    incidents.locked(tx, incident)
    cards.want(tx, "board", incident, incident)
    return timeline.append(tx, incident, Entry("incident.linked", by, {}, {"url": url, "title": title}))[0]


def links(tx: Tx, incident: str) -> list[Link]:
    """All of them, oldest first, but those whose words were erased."""
    found = timeline.read(tx, incident, types=("incident.linked",))
    return [Link(one.seq, one.text("title"), one.text("url")) for one in found if one.texts.get("url")]


def others(found: Incident, kind: str) -> list[str]:
    """The incidents it names so: its parent, its relations, or the one it is a duplicate of."""
    said = found.facts.get(kind)
    return [str(one) for one in said] if isinstance(said, list) else [str(said)] if said else []


def set_parent(tx: Tx, incident: str, parent: str | None, *, by: str) -> str | None:
    """Say which incident it is part of, or of none any more; returns the one before."""
    for one in sorted({incident, parent or incident}):  # two that name each other at once must not both succeed
        incidents.get(tx, one, lock=True)
    found = incidents.locked(tx, incident)
    before = next(iter(others(found, PARENT)), None)
    if before == parent:
        which = parent or "none"
        raise Impossible(f"{incident} is part of {which} already; nothing was changed.",
                         todo=f"`/incident status {incident}` shows how it stands.")  # fmt: skip
    above, seen = parent, {incident}
    while above:
        if above in seen:
            raise Impossible(f"{parent} is part of {incident}; it cannot be its parent as well. Nothing was changed.")
        seen.add(above)
        found_above = incidents.get(tx, above)
        above = next(iter(others(found_above, PARENT)), None) if found_above else None
    incidents.set_facts(tx, incident, {PARENT: parent})
    _told(tx, incident, PARENT, parent, by)
    return before


def relate(tx: Tx, incident: str, other: str, *, by: str) -> None:
    """Say that two have to do with each other; it stands on both."""
    if incident == other:
        raise Impossible(f"{incident} is itself; nothing was changed.")
    for one in sorted((incident, other)):  # one lock order, whoever asks
        incidents.locked(tx, one)
    for one, its in ((incident, other), (other, incident)):
        known = others(incidents.locked(tx, one), RELATED)
        if its in known:
            raise Impossible(f"{incident} and {other} are related already; nothing was changed.")
        incidents.set_facts(tx, one, {RELATED: [*known, its]})
        _told(tx, one, RELATED, its, by)


def duplicate(tx: Tx, incident: str, of: str, *, by: str) -> None:
    """Say that it is the same as another one; ending it is the caller's."""
    incidents.set_facts(tx, incident, {DUPLICATE: of})
    _told(tx, incident, "duplicate", of, by)


def followers(found: Incident) -> list[str]:
    """Who asked to be told when it changes."""
    return others(found, FOLLOWERS)


def follow(tx: Tx, incident: str, person: str, *, on: bool) -> None:
    """Have somebody told of every change, or no more."""
    found = incidents.locked(tx, incident)
    known = followers(found)
    if (person in known) is on:
        stands = f"subscribed to {incident} already" if on else f"not subscribed to {incident}"
        raise Impossible(f"You are {stands}. Nothing was changed.",
                         todo=f"`/incident {'un' if on else ''}subscribe {incident}` does the opposite.")  # fmt: skip
    if on and not found.open:
        raise Impossible(f"{incident} was {found.status}; there is nothing more to follow. Nothing was changed.")
    now = [*known, person] if on else [one for one in known if one != person]
    incidents.set_facts(tx, incident, {FOLLOWERS: now})
    what = Entry("incident.subscribed", person, {}) if on else Entry("incident.unsubscribed", person, {})
    timeline.append(tx, incident, what)


def keep_followers(tx: Tx, incident: str, persons: Iterable[str]) -> None:
    """Only these of its followers are told from now on."""
    kept = [one for one in followers(incidents.locked(tx, incident)) if one in set(persons)]
    incidents.set_facts(tx, incident, {FOLLOWERS: kept})


def make_private(tx: Tx, incident: str, *, by: str, reason: str) -> None:
    """From now on it is shown only to who may see private ones. There is no way back."""
    found = incidents.locked(tx, incident)
    if found.private:
        raise Impossible(f"{incident} is private already; nothing was changed.")
    tx.conn.execute(update(rows).where(rows.c.id == incident).values(private=True))
    incidents.set_facts(tx, incident, {})
    cards.want(tx, "announcement", incident, incident)  # what it said in public is taken out
    timeline.append(tx, incident, Entry("incident.private", by, {}, {"reason": reason} if reason else {}))


def closed_at(found: Incident) -> datetime | None:
    """When its work was said to be done, None while it is not."""
    said = found.facts.get(CLOSED)
    return from_iso(str(said)) if said else None


def close(tx: Tx, incident: str, *, by: str, archive_at: datetime | None) -> None:
    """Nothing is left to do: its channel is archived at that time, or never."""
    found = incidents.locked(tx, incident)
    if found.open:
        raise Impossible(
            f"{incident} is {found.status}; it has not ended. Nothing was changed.",
            todo=f"`/incident resolve incident={incident}` ends it.",
        )
    if closed_at(found):
        raise Impossible(f"{incident} is closed already; nothing was changed.")
    incidents.set_facts(tx, incident, {CLOSED: iso(tx.now)})
    timeline.append(tx, incident, Entry("incident.closed", by, {"archive_at": archive_at}))
    if archive_at:
        timers.set(tx, ARCHIVE, incident, archive_at)


def reopen(tx: Tx, incident: str, *, by: str, reason: str) -> Incident:
    """It is back: investigating again, with nobody's acknowledgement. Clocks and pages are the caller's."""
    found = incidents.locked(tx, incident)
    if found.open:
        raise Impossible(f"{incident} is open ({found.status}); nothing was changed.",
                         todo=f"`/incident status {incident}` shows how it stands.")  # fmt: skip
    if same := others(found, DUPLICATE):
        raise Impossible(f"{incident} is the same as {same[0]}; go on there. Nothing was changed.")
    status = incidents.moves_to(found, "investigating")
    incidents.set_facts(tx, incident, dict.fromkeys(FORGOTTEN))
    timers.cancel(tx, ARCHIVE, incident)
    tx.conn.execute(
        update(rows)
        .where(rows.c.id == incident)
        .values(status=status, resolved_at=None, ended_by=None, resolution=None, restored_at=None, acknowledged_at=None,
                acknowledged_by=None)
    )  # fmt: skip
    body = {"from": found.status, "to": status, "ended_at": found.resolved_at}
    timeline.append(tx, incident, Entry("incident.reopened", by, body, {"reason": reason}))
    again = incidents.get(tx, incident)
    assert again is not None
    return again


def _told(tx: Tx, incident: str, kind: str, other: str | None, by: str) -> None:
    timeline.append(tx, incident, Entry("incident.related", by, {"kind": kind, "other": other}))
