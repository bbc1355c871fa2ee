"""A regulatory clock: whoever leads is reminded at half its time, at four fifths, and when it is over.

Belongs here: those times, what is said. Does not belong here: the clock itself (storage/clocks.py). It reminds in the
middle of the night too, and after the incident has ended: the law does not wait. In a drill it only draws the board.
"""

from __future__ import annotations

from datetime import timedelta

from commands import clocks
from commands.house import House
from commands.nudging import holder, nudge
from commands.words import lines
from storage import cards, incidents, timers
from storage import clocks as kept
from storage.clocks import LegalClock
from storage.db import Tx
from storage.inbox import Ask
from storage.types import iso

PARTS = (0.5, 0.8, 1.0)  # how much of the time is over when people are reminded
OVER_AGAIN = timedelta(hours=6)


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the clock, INC-42/gdpr. The ask's value `said`: how many of PARTS people were told of."""
    incident, _, name = subject.partition("/")
    found = incidents.get(tx, incident, lock=True)
    one = kept.get(tx, incident, name) if found else None
    if found is None or one is None or not one.running:
        return
    said = int(ask.values.get("said") or 0)
    passed = sum(tx.now >= one.at(part) for part in PARTS)
    late = passed == len(PARTS)
    if late and said < passed:
        incidents.overdue(tx, incident, f"clock {name}", one.due_at)
    if passed and (passed > said or late or ask.values.get("again")):
        nudge(tx, found, kept.KIND, _words(house, one, tx), to=_to(tx, house, found, one), about=name, snooze="1h")
    cards.want(tx, "board", incident, incident)
    after = tx.now + OVER_AGAIN if late else one.at(PARTS[passed])
    payload = {"said": passed} if late else {"said": passed, "latest": iso(one.at(PARTS[passed]))}
    timers.set(tx, kept.KIND, subject, after, payload)


def _to(tx: Tx, house: House, found: incidents.Incident, one: LegalClock) -> list[str]:
    """Whoever leads while it goes on, and who started the clock."""
    return [*(holder(tx, house.policy, found, "commander") if found.open else ()), one.by]


def _words(house: House, one: LegalClock, tx: Tx) -> str:
    told = clocks.whom(house.policy, one.name)
    return lines(
        f"{clocks.line(house.policy, one, tx.now)} in *{one.incident}*.",
        f"To be notified: {told}." if told else "",
        f"When it is done: `/incident notified {one.name} incident={one.incident} by=@who <reference>`.",
    )
