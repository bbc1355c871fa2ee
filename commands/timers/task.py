"""A task is due and not done: a word to whoever has it, again every half hour while the incident goes on.

Belongs here: what happens when that clock runs out. Does not belong here: tasks (storage/tasks.py). Quiet in drills.
"""

from __future__ import annotations

from commands.house import House
from commands.nudging import holder, nudge
from commands.tasking import LATER, buttons, said
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
    nobody = "" if task.owner else f"\nNobody has it: `/incident tasks {incident} take={task.number}`"
    to = [task.owner] if task.owner else holder(tx, house.policy, found, "commander")
    text = f"⏰ *{incident}*: this is due.\n{said(tx, task)}{nobody}"
    nudge(tx, found, KIND, text, to=to, about=number, buttons=tuple(buttons(task, named=False)))
