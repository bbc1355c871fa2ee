"""A status update is due."""

from __future__ import annotations

from typing import Any

from storage import incidents


async def test_an_update_that_is_due_reminds_the_comms_lead(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    await talk.house.db.write(lambda tx: incidents.set_update_due(tx, id, tx.now))
    await sent()
    await fire(f"update {id}")
    assert (await talk.events(id, "clock.overdue"))[0].body["what"] == "update"
    (body,) = await sent()
    assert "was due at" in body["text"] and "/incident update incident=INC-1" in body["text"]
    await fire(f"update {id}")
    assert len(await talk.events(id, "clock.overdue")) == 2


async def test_an_update_that_is_not_due_is_left(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    await fire(f"update {id}")
    assert await talk.events(id, "clock.overdue") == []
