"""Tasks in words and buttons: what `/incident task`, `/incident tasks`, reminders and hand-overs share.

Belongs here: one line per task, its buttons. Does not belong here: tasks themselves (storage/tasks.py), the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from commands.command import Button, Call
from commands.words import clock, cut, esc
from storage import people
from storage.db import Tx
from storage.tasks import Task

PAGE = 8  # each with up to three buttons, within what a message may hold
LATER = timedelta(minutes=30)


def said(tx: Tx, task: Task) -> str:
    """`☐ *3* check the replica · *Ben* · due *18:00 UTC* ⚠️ overdue`"""
    what = esc(cut(" ".join(task.what.split()), 300))
    if task.done_at:
        return (
            f"☑️ *{task.number}* ~{what}~ · done by *{esc(people.name(tx, task.done_by or ''))}* {clock(task.done_at)}"
        )
    who = f"*{esc(people.name(tx, task.owner))}*" if task.owner else "nobody's yet"
    return f"☐ *{task.number}* {what} · {who}{due(task.due_at, tx.now)}"


def due(at: datetime | None, now: datetime) -> str:
    """` · due *18:00 UTC*`, or that it is late; "" without one."""
    return f" · due *{clock(at, now)} UTC*{' ⚠️ overdue' if at < now else ''}" if at else ""


def buttons(task: Task, *, named: bool = True) -> list[Button]:
    """Done; Take where it is nobody's."""
    if not task.open:
        return []
    line, tail = f"incident tasks {task.incident}", f" {task.number}" if named else ""
    found = [Button(label=f"Done{tail}", line=f"{line} done={task.number}")]
    if task.owner is None:
        found.append(Button(label=f"Take{tail}", line=f"{line} take={task.number}"))
    return found


def listed(call: Call, tasks: Sequence[Task]) -> tuple[list[str], list[Button]]:
    """A page of them, with what can be pressed."""
    shown = tasks[:PAGE]
    lines = [said(call.tx, one) for one in shown]
    if len(tasks) > PAGE:
        lines.append(f"… and {len(tasks) - PAGE} more.")
    return lines, [button for one in shown for button in buttons(one)]
