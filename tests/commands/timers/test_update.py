"""A status update is due."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from storage import incidents, replies, tables, timers
from storage.db import Tx


async def _due(talk: Any, id: str) -> None:
    await talk.house.db.write(lambda tx: incidents.set_update_due(tx, id, tx.now))


async def _waiting(talk: Any) -> list[tuple[str, str]]:
    """Accounts and words of nudges that wait to be sent; they are taken."""
    due = await talk.house.db.write(lambda tx: replies.claim(tx, "t"))
    return [(one.account, one.body["text"]) for one in due if one.id.startswith("nudge:")]


async def test_the_comms_lead_is_reminded_then_the_commander_too(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    ben, chi = await talk.member("Ben", "sre"), await talk.member("Chi", "sre")

    def hats(tx: Tx) -> None:
        incidents.set_role(tx, id, "comms", ben, by=ben)
        incidents.set_role(tx, id, "commander", chi, by=chi)

    await talk.house.db.write(hats)
    await _due(talk, id)
    await _waiting(talk)
    await fire(f"update {id}")
    assert (await talk.events(id, "clock.overdue"))[0].body["what"] == "update"
    ((who, text),) = await _waiting(talk)
    assert who == "T1/UBEN" and "was due at" in text and "/incident update incident=INC-1" in text
    (timer,) = [one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "update"]
    assert timer.payload == {"rung": 1}
    await fire(f"update {id}", rung=1)
    await fire(f"update {id}", rung=2)
    assert sorted(who for who, _ in await _waiting(talk)) == ["T1/UBEN", "T1/UCHI"], "one live, to both"
    assert len(await talk.events(id, "clock.overdue")) == 3


async def test_not_due_is_left_and_a_drill_is_quiet(talk: Any, fire: Any) -> None:
    id = await talk.declare()
    await fire(f"update {id}")
    assert await talk.events(id, "clock.overdue") == []
    await _due(talk, id)
    await talk.house.db.write(lambda tx: tx.conn.execute(update(tables.incidents).values(kind="drill")))
    await fire(f"update {id}")
    assert await _waiting(talk) == [] and len(await talk.events(id, "clock.overdue")) == 1
