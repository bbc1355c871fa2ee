"""Follow-ups of an incident: what is to be done after it, and the retrospective itself. Told by events alone.

Belongs here: writing those events, folding them, the one timer of each. Does not belong here: work while it goes on
(tasks.py), who is reminded and when (commands/timers/followup.py).
A follow-up is named f1, f2, … within its incident; the retrospective is named so. What people typed stands in the
texts of `followup.added`, where it can be erased like any other words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from storage import cards, incidents, timeline, timers
from storage.db import Tx
from storage.incidents import Impossible
from storage.timeline import Entry
from storage.types import from_iso

KIND = "followup"
RETROSPECTIVE = "retrospective"
TYPES = ("followup.added", "followup.changed", "followup.done", "followup.ticketed", "followup.lost")


@dataclass(frozen=True)
class FollowUp:
    """One follow-up. owner, by, done_by: person ids; what: "(erased)" once it is.

    ticket, ticket_url: its issue in Jira; lost: Jira does not show that issue any more.
    """

    incident: str
    name: str
    what: str
    by: str
    owner: str
    added_at: datetime
    due_at: datetime
    done_by: str | None = None
    done_at: datetime | None = None
    ticket: str = ""
    ticket_url: str = ""
    lost: bool = False

    @property
    def open(self) -> bool:
        """Whether it waits to be done."""
        return self.done_at is None

    @property
    def id(self) -> str:
        """INC-42/f1, the subject of its timer."""
        return f"{self.incident}/{self.name}"


def of_incident(tx: Tx, incident: str) -> list[FollowUp]:
    """All of them, oldest first."""
    found: dict[str, FollowUp] = {}
    for event in timeline.read(tx, incident, types=TYPES):
        name = str(event.body["followup"])
        if event.type == "followup.done":
            found[name] = replace(found[name], done_by=event.actor, done_at=event.at)
            continue
        if event.type == "followup.ticketed":
            issue, url = str(event.body["ticket"]), str(event.body["url"])
            found[name] = replace(found[name], lost=False, ticket=issue, ticket_url=url)
            continue
        if event.type == "followup.lost":
            found[name] = replace(found[name], lost=True)
            continue
        if event.type == "followup.changed":
            due, owner = from_iso(str(event.body["due_at"])), str(event.body["owner"])
            found[name] = replace(found[name], due_at=due, owner=owner)
            continue
        due, owner = from_iso(str(event.body["due_at"])), str(event.body["owner"])
        found[name] = FollowUp(incident, name, event.text("what") or name, event.actor, owner, event.at, due)
    return list(found.values())


def get(tx: Tx, incident: str, name: str) -> FollowUp | None:
    """One of them, or None."""
    return next((one for one in of_incident(tx, incident) if one.name == name), None)


def add(tx: Tx, incident: str, what: str, *, by: str, owner: str, due_at: datetime, name: str = "") -> FollowUp:
    """Write one down, while it goes on or after the end. name: only for the retrospective, which there is once.

    Raises Impossible for an incident that was none.
    """
    if incidents.locked(tx, incident).status == "cancelled":
        raise Impossible(f"{incident} was cancelled: it was no incident. Nothing was written down.")
    mine = of_incident(tx, incident)
    if name and (before := next((one for one in mine if one.name == name), None)):
        return before
    called = name or f"f{sum(one.name != RETROSPECTIVE for one in mine) + 1}"
    body = {"followup": called, "owner": owner, "due_at": due_at}
    cards.want(tx, "board", incident, incident)
    timeline.append(tx, incident, Entry("followup.added", by, body, {"what": what} if what else {}))
    made = get(tx, incident, called)
    assert made is not None
    timers.set(tx, KIND, made.id, tx.now)  # looks at once, and sets itself to what comes next
    return made


def done(tx: Tx, incident: str, name: str, *, by: str, reason: str = "", ticket: str = "") -> int:
    """It is done; ticket: the issue that says so. Returns the event's number.

    Raises Impossible naming those there are.
    """
    found = _waiting(tx, incident, name)
    texts = {"reason": reason} if reason else {}
    body = {"followup": name}
    if ticket:
        body["ticket"] = ticket
    timers.cancel(tx, KIND, found.id)
    cards.want(tx, "board", incident, incident)
    return timeline.append(tx, incident, Entry("followup.done", by, body, texts))[0]


def change(
    tx: Tx, incident: str, name: str, *, by: str, owner: str, due_at: datetime, reason: str = ""
) -> FollowUp | None:
    """Somebody else has it, or until another time; None where both are so already.

    What it was stays on the record, and its reminders begin anew. Raises Impossible naming those there are.
    """
    found = _waiting(tx, incident, name)
    if (found.owner, found.due_at) == (owner, due_at):
        return None
    body = {"followup": name, "owner": owner, "due_at": due_at, "before": found.owner, "due_before": found.due_at}
    timers.set(tx, KIND, found.id, tx.now)
    cards.want(tx, "board", incident, incident)
    timeline.append(tx, incident, Entry("followup.changed", by, body, {"reason": reason} if reason else {}))
    return get(tx, incident, name)


def _waiting(tx: Tx, incident: str, name: str) -> FollowUp:
    """The one of that name that waits to be done, its incident locked. Raises Impossible."""
    incidents.locked(tx, incident)
    found = get(tx, incident, name)
    if found is None:
        waits = ", ".join(one.name for one in of_incident(tx, incident) if one.open) or "none"
        raise Impossible(
            f"{incident} has no follow-up {name}. Open ones: {waits}. Nothing was changed.",
            todo="`/incident followups`",
        )
    if found.done_at:
        raise Impossible(f"{name} of {incident} was done on {found.done_at:%d %b %H:%M} UTC. Nothing was changed.")
    return found


def ticketed(tx: Tx, incident: str, name: str, *, ticket: str, url: str, run: str) -> None:
    """A run made (or found) its issue. What is known already is not said twice."""
    incidents.locked(tx, incident)
    found = get(tx, incident, name)
    if found is None or (found.ticket == ticket and not found.lost):
        return
    body = {"followup": name, "ticket": ticket, "url": url, "run": run}
    cards.want(tx, "board", incident, incident)
    timeline.append(tx, incident, Entry("followup.ticketed", "muster", body))


def lost(tx: Tx, incident: str, name: str, *, run: str) -> bool:
    """Jira does not show its issue any more; whether that is news."""
    incidents.locked(tx, incident)
    found = get(tx, incident, name)
    if found is None or found.lost or not found.ticket:
        return False
    body = {"followup": name, "ticket": found.ticket, "run": run}
    cards.want(tx, "board", incident, incident)
    timeline.append(tx, incident, Entry("followup.lost", "muster", body))
    return True
