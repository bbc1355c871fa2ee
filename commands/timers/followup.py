"""A follow-up (the retrospective too): whoever has it is reminded at half of its time, when it is due, and each working
day after.

Belongs here: those times, in working hours only. Does not belong here: follow-ups (storage/followups.py). Quiet in
drills: there it stands on the board alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from commands.house import House
from commands.incident.followups import buttons, line
from commands.nudging import nudge, working
from storage import followups, incidents, timers
from storage.db import Tx
from storage.followups import KIND, FollowUp
from storage.inbox import Ask


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the follow-up, INC-42/f1. The ask's value `said`: 0 nothing yet, 1 the reminder at half, 2 that it is
    due."""
    incident, _, name = subject.partition("/")
    found = incidents.get(tx, incident, lock=True)
    one = followups.get(tx, incident, name) if found else None
    if found is None or one is None or not one.open or found.kind == "drill":
        return
    opens = working(house.policy, tx.now)
    said = int(ask.values.get("said") or 0)
    if opens > tx.now:
        timers.set(tx, KIND, subject, opens, {**ask.values, "said": said})
        return
    passed = 2 if tx.now >= one.due_at else 1 if tx.now >= _half(one) else 0
    if passed == 2 and said < 2:
        incidents.overdue(tx, incident, f"followup {name}", one.due_at)
    if passed == 2 or passed > said or ask.values.get("again"):
        text = f"⏰ *{incident}*, to be done after it:\n{line(tx, one)}"
        nudge(tx, found, KIND, text, to=[one.owner], about=name, snooze="4h", buttons=tuple(buttons([one])))
    after = tx.now + timedelta(days=1) if passed == 2 else one.due_at if passed else _half(one)
    timers.set(tx, KIND, subject, working(house.policy, after), {"said": passed})


def _half(one: FollowUp) -> datetime:
    return one.added_at + (one.due_at - one.added_at) / 2
