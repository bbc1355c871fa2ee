"""A status update is due and nobody sent one: an entry, the board, and a word to whoever has to.

Belongs here: what happens when that clock runs out. Does not belong here: when it is due (storage/incidents.py).
"""

from __future__ import annotations

from datetime import timedelta

from commands.house import House
from commands.timers.telling import tell
from commands.words import clock
from storage import incidents, timers
from storage.db import Tx
from storage.inbox import Ask

AGAIN = timedelta(minutes=10)


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident. Told again every ten minutes while nothing is sent."""
    found = incidents.get(tx, subject, lock=True)
    if found is None or not found.open or found.update_due_at is None:
        return
    if found.update_due_at > tx.now:
        timers.set(tx, "update", subject, found.update_due_at)
        return
    incidents.overdue(tx, subject, "update", found.update_due_at)
    comms = [name for name, one in house.policy.roles.items() if "comms" in (name, *one.aliases)]
    due, example = clock(found.update_due_at, tx.now), f"/incident update incident={subject} …"
    text = f"⏰ *{subject}*: the status update was due at *{due} UTC* and nobody has sent one. `{example}`"
    tell(tx, found, text, key=f"update:{subject}:{tx.now.isoformat()}", roles=(*comms, "commander"))
    timers.set(tx, "update", subject, tx.now + AGAIN)
