"""A task is due and not done: a word to whoever has it, again every half hour while the incident goes on.

Belongs here: what happens when that clock runs out. Does not belong here: tasks (storage/tasks.py). Quiet in drills.
"""

from __future__ import annotations

from commands.command import Reply
from commands.house import House
from commands.tasking import LATER, buttons, said
from commands.timers.telling import tell, write_to
from storage import incidents, tasks, timers
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Impossible
from storage.tasks import KIND


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the task, INC-42/3."""
    incident, _, number = subject.partition("/")
    found = incidents.get(tx, incident, lock=True)
    if found is None or not found.open or not number.isdigit():
        return
    try:
        task = tasks.get(tx, incident, int(number))
    except Impossible:
        return
    if not task.open or task.due_at is None:
        return
    if task.due_at > tx.now:
        timers.set(tx, KIND, subject, task.due_at)
        return
    timers.set(tx, KIND, subject, tx.now + LATER)
    if found.kind == "drill":
        return
    key = f"{KIND}:{subject}:{ask.key}"
    text = f"⏰ *{incident}*: this is due.\n{said(tx, task)}"
    if task.owner is None:
        tell(tx, found, f"{text}\nNobody has it: `/incident tasks {incident} take={task.number}`", key=key,
             roles=("commander",))  # fmt: skip
    else:
        write_to(tx, task.owner, Reply(text=text, buttons=tuple(buttons(task, named=False, later=True))), key=key)
