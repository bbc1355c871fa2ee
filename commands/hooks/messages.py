"""Slack says that a message was edited or deleted: where it stands on a timeline, the timeline says so.

Belongs here: whether it stands on one, and looking at it. Not: what is written (commands/capturing.py).
"""

from __future__ import annotations

from commands.capturing import Looked, look, note_change, place_of
from commands.house import House
from storage import captures
from storage.db import Tx
from storage.inbox import Ask

EVENTS = ("message_changed", "message_deleted")


async def before(ask: Ask, house: House) -> Looked | None:
    """What the message says now; None where it stands on no timeline, which costs one read."""
    channel, ts = place_of(str(ask.values.get("subject") or ""))
    if not await house.db.read(lambda tx: captures.kept(tx, channel, ts)):
        return None
    if ask.values.get("event_type") == "message_deleted":
        return Looked()
    return await look(house, channel, ts)


def act(tx: Tx, house: House, ask: Ask, looked: Looked | None) -> None:
    """One event on each timeline it stands on."""
    if looked is not None:
        for one in captures.kept(tx, *place_of(str(ask.values.get("subject") or ""))):
            note_change(tx, house, one, looked)
