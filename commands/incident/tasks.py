"""`/incident tasks`: what has to be done, by whom; done, taken and put off by button."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident
from commands.tasking import LATER, due, listed, said
from commands.words import lines
from playbooks.errors import Refused
from storage import tasks
from storage.tasks import Task


@command(
    "incident tasks",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident tasks", "incident tasks done=3", "incident tasks take=3"),
)
class Tasks(InIncident):
    """List what has to be done, or say that something is done

    Its buttons do the same. `later=` puts off what is due by half an hour.
    """

    done: Annotated[int, Arg("number", "this one is done", keyed=True)] = 0
    take: Annotated[int, Arg("number", "I do this one", keyed=True)] = 0
    later: Annotated[int, Arg("number", "this one is due half an hour later", keyed=True)] = 0

    def act(self, call: Call, seen: None) -> Reply:
        """One change at a time, or the list."""
        if sum(map(bool, (self.done, self.take, self.later))) > 1:
            raise Refused("One at a time: done, take or later. Nothing was changed.",
                          todo="Try `/incident tasks done=3`")  # fmt: skip
        if self.done or self.take or self.later:
            return self._changed(call)
        found = call.here
        mine = tasks.of_incident(call.tx, found.id)
        waits = sorted((one for one in mine if one.open), key=_urgency)
        over = [one for one in mine if not one.open]
        text, buttons = listed(call, waits)
        head = f"*{found.id}*: {len(waits)} to do, {len(over)} done"
        ended = [said(call.tx, one) for one in over[-5:]]
        hint = "" if mine else "`/incident task @ben due=30m what` writes one down."
        data = {"tasks": [one.number for one in waits]}
        return Reply(text=lines(head, *text, *ended, hint), buttons=tuple(buttons), data=data)

    def _changed(self, call: Call) -> Reply:
        tx, id, by = call.tx, call.here.id, call.person
        if self.done:
            now = tasks.done(tx, id, self.done, by=by)
        elif self.take:
            before = tasks.get(tx, id, self.take)
            now = tasks.change(tx, id, self.take, by=by, owner=by, due_at=before.due_at)
        else:
            before = tasks.get(tx, id, self.later)
            now = tasks.change(tx, id, self.later, by=by, owner=before.owner, due_at=tx.now + LATER)
        moved = f"Now{due(now.due_at, tx.now).removeprefix(' ·')}." if self.later else ""
        return Reply(text=lines(f"*{id}*: {said(tx, now)}", moved), data={"task": now.number})


def _urgency(task: Task) -> tuple[bool, float, int]:
    return (task.due_at is None, task.due_at.timestamp() if task.due_at else 0.0, task.number)
