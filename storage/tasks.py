"""Tasks of an incident: who does what until when, told by events alone.

Belongs here: writing those events, folding them into tasks, the timer of what is due. Does not belong here: who may ask
(commands), what happens when one is due (commands/timers/task.py). There is no table: what people typed stands in the
texts of `todo.added`, where it can be erased like any other words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from storage import cards, incidents, timeline, timers
from storage.db import Tx
from storage.incidents import Impossible
from storage.timeline import Entry, Event
from storage.types import from_iso

KIND = "task"
TYPES = ("todo.added", "todo.changed", "todo.done")


@dataclass(frozen=True)
class Task:
    """One task. number: from 1, within its incident; owner, by, done_by: person ids; what: "(erased)" once it is."""

    incident: str
    number: int
    what: str
    by: str
    owner: str | None = None
    due_at: datetime | None = None
    done_by: str | None = None
    done_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it waits to be done."""
        return self.done_at is None

    @property
    def id(self) -> str:
        """INC-42/3, the subject of its timer."""
        return f"{self.incident}/{self.number}"


def of_incident(tx: Tx, incident: str) -> list[Task]:
    """All of them, oldest first."""
    return fold(incident, timeline.read(tx, incident, types=TYPES))


def fold(incident: str, events: Iterable[Event]) -> list[Task]:
    """The tasks that these events tell of."""
    found: dict[int, Task] = {}
    for event in events:
        number = int(event.body["task"])
        if event.type == "todo.added":
            found[number] = Task(incident, number, event.text("what"), event.actor, **_holds(event))
        elif event.type == "todo.changed":
            found[number] = replace(found[number], **_holds(event))
        else:
            found[number] = replace(found[number], done_by=event.actor, done_at=event.at)
    return list(found.values())


def get(tx: Tx, incident: str, number: int) -> Task:
    """One of them. Raises Impossible naming those there are."""
    mine = of_incident(tx, incident)
    if found := next((one for one in mine if one.number == number), None):
        return found
    waits = ", ".join(str(one.number) for one in mine if one.open) or "none"
    raise Impossible(f"{incident} has no task {number}. Open ones: {waits}.", todo="`/incident tasks` lists them.")


def owned_by(tx: Tx, person: str) -> list[Task]:
    """What this person has to do in the incidents that are going on; what is due first comes first."""
    mine = [task for one in incidents.open_ones(tx) for task in of_incident(tx, one.id)]
    open_ones = [task for task in mine if task.open and task.owner == person]
    return sorted(open_ones, key=lambda one: (one.due_at is None, one.due_at.timestamp() if one.due_at else 0.0))


def add(tx: Tx, incident: str, what: str, *, by: str, owner: str | None, due_at: datetime | None) -> Task:
    """Write one down. Raises Impossible when the incident has ended."""
    found = incidents.get(tx, incident, lock=True)
    if found is None or not found.open:
        raise Impossible(
            f"{incident} has ended; no task was added.", todo=f"`/incident note incident={incident} …` still writes."
        )
    number = len(timeline.read(tx, incident, types=("todo.added",))) + 1
    body = {"task": number, "owner": owner, "due_at": due_at}
    cards.want(tx, "board", incident, incident)
    timeline.append(tx, incident, Entry("todo.added", by, body, {"what": what}))
    return _armed(tx, get(tx, incident, number))


def change(tx: Tx, incident: str, number: int, *, by: str, owner: str | None, due_at: datetime | None) -> Task:
    """Give it to somebody, or another time. Raises Impossible when it is done, or is so already."""
    incidents.get(tx, incident, lock=True)
    before = _waiting(tx, incident, number)
    if (before.owner, before.due_at) == (owner, due_at):
        raise Impossible(f"Task {number} of {incident} is so already; nothing was changed.")
    cards.want(tx, "board", incident, incident)
    timeline.append(tx, incident, Entry("todo.changed", by, {"task": number, "owner": owner, "due_at": due_at}))
    return _armed(tx, get(tx, incident, number))


def done(tx: Tx, incident: str, number: int, *, by: str) -> Task:
    """It is done, also after the end. Raises Impossible when it was already."""
    incidents.get(tx, incident, lock=True)
    _waiting(tx, incident, number)
    timers.cancel(tx, KIND, f"{incident}/{number}")
    cards.want(tx, "board", incident, incident)
    timeline.append(tx, incident, Entry("todo.done", by, {"task": number}))
    return get(tx, incident, number)


def _waiting(tx: Tx, incident: str, number: int) -> Task:
    found = get(tx, incident, number)
    if found.done_at:
        raise Impossible(f"Task {number} of {incident} was done at {found.done_at:%H:%M} UTC; nothing was changed.")
    return found


def _armed(tx: Tx, task: Task) -> Task:
    if task.due_at:
        timers.set(tx, KIND, task.id, task.due_at)
    else:
        timers.cancel(tx, KIND, task.id)
    return task


def _holds(event: Event) -> dict[str, Any]:
    due = event.body.get("due_at")
    return {"owner": event.body.get("owner"), "due_at": from_iso(str(due)) if due else None}
