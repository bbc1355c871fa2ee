"""/incident close"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from storage import runs
from storage.tables import timers


async def test_its_channel_is_archived_later_unless_it_is_back(talk: Any, fire: Any) -> None:
    id = await talk.declare()
    assert "has not ended" in (await talk("Ana", "incident close")).text
    await talk("Ana", "incident task write to the bank")
    await talk("Ben", "incident resolve it was an index")
    await fire(f"archive {id}")
    reply = await talk("Ana", "incident close")
    assert "is closed" in reply.text and "Its channel is archived *" in reply.text
    assert "1 of its tasks are not done" in reply.text and "write to the bank" in reply.text
    assert "closed already" in (await talk("Ana", "incident close")).text
    waits = select(timers.c.state).where(timers.c.kind == "archive", timers.c.subject == id)
    assert await talk.read(lambda tx: tx.conn.execute(waits).scalar()) == "pending"
    await talk("Ana", "incident reopen it is back")
    assert await talk.read(lambda tx: tx.conn.execute(waits).scalar()) == "cancelled"
    await fire(f"archive {id}")
    assert "close/archive" not in [run.playbook for run in await talk.read(lambda tx: runs.of_incident(tx, id))]
