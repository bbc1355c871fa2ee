"""What was expected to be over by now is not: whoever leads is asked for a new word.

Belongs here: what happens when that time has come. Does not belong here: the expectation itself (storage/impact.py).
"""

from __future__ import annotations

from commands.house import House
from commands.nudging import holder, nudge
from commands.words import clock
from storage import impact, incidents, timers
from storage.db import Tx
from storage.inbox import Ask


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident. Said once, and once more for each time it is put off."""
    found = incidents.get(tx, subject, lock=True)
    said = impact.of_incident(tx, subject).eta if found else None
    if found is None or said is None or not found.open or found.restored_at is not None:
        return
    if said > tx.now:
        timers.set(tx, impact.ETA, subject, said)
        return
    text = (
        f"⏰ *{subject}* was expected to be over at *{clock(said, tx.now)} UTC*. Is it? "
        f"`/incident eta incident={subject} 30m <why>`, `/incident restored incident={subject}`, or tell people."
    )
    nudge(tx, found, impact.ETA, text, to=holder(tx, house.policy, found, "commander"))
