"""Nobody has acknowledged the page in time: an entry, the board, and the telephone number to call by hand.

Belongs here: what happens when that clock runs out. Does not belong here: escalating the page (the pager does that).
"""

from __future__ import annotations

from commands.by_hand import call_by_hand
from commands.house import House
from commands.timers.telling import tell
from commands.words import clock, lasted
from storage import incidents
from storage.db import Tx
from storage.inbox import Ask


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident."""
    found = incidents.get(tx, subject, lock=True)
    if found is None or not found.open or found.acknowledged_at is not None:
        return
    incidents.overdue(tx, subject, "acknowledge", tx.now)
    waited = lasted(tx.now - found.declared_at)
    text = (
        f"⏰ *{subject}*: nobody has acknowledged the page of {clock(found.declared_at, tx.now)} UTC ({waited} ago). "
        f"{call_by_hand(house.policy, found.service)}"
    )
    tell(tx, found, text, key=f"acknowledge:{subject}")
