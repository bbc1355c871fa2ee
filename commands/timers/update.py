"""A status update is due and nobody sent one: an entry, the board, and a word to whoever has to, then to the commander.

Belongs here: what happens when that clock runs out. Does not belong here: when it is due (storage/incidents.py).
In a drill it is only written down, once.
"""

from __future__ import annotations

from datetime import timedelta

from commands.command import Button
from commands.house import House
from commands.nudging import holder, nudge
from commands.words import clock
from storage import incidents, timers
from storage.db import Tx
from storage.inbox import Ask

AGAIN = timedelta(minutes=10)


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident. Told again every ten minutes while nothing is sent. `rung`: how often it was before."""
    found = incidents.get(tx, subject, lock=True)
    if found is None or not found.open or found.update_due_at is None:
        return
    if found.update_due_at > tx.now:
        timers.set(tx, "update", subject, found.update_due_at)
        return
    rung = int(ask.values.get("rung") or 0)
    incidents.overdue(tx, subject, "update", found.update_due_at)
    if found.kind == "drill":
        return
    due, example = clock(found.update_due_at, tx.now), f"/incident update incident={subject} …"
    text = f"⏰ *{subject}*: the status update was due at *{due} UTC* and nobody has sent one. `{example}`"
    people = holder(tx, house.policy, found, "comms", "comms_lead", "commander")
    if rung:
        people += holder(tx, house.policy, found, "commander")
    button = Button(label="Update", line=f"incident update {subject}", style="primary")
    nudge(tx, found, "update", text, to=people, buttons=(button,))
    timers.set(tx, "update", subject, tx.now + AGAIN, {"rung": rung + 1})
