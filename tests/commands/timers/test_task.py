"""A task is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from storage import tables, tasks


async def _due(talk: Any, id: str, owner: str | None, kind: str = "real") -> None:
    def work(tx: Any) -> None:
        tasks.add(tx, id, "check the replica", by=owner or "P-X", owner=owner, due_at=tx.now - timedelta(seconds=1))
        tx.conn.execute(update(tables.incidents).values(kind=kind))

    await talk.house.db.write(work)


async def test_whoever_has_it_is_told_once_and_can_put_it_off(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    ben = await talk.member("Ben", "sre")
    await _due(talk, id, ben)
    await sent()
    await fire(f"task {id}/1")
    (body,) = await sent()
    assert "this is due" in body["text"] and "check the replica" in body["text"]
    assert [one["label"] for one in body["buttons"]] == ["Done", "Snooze 30m"]
    assert "reminders about *1* wait until" in (await talk("Ben", body["buttons"][1]["line"], kind="button")).text
    assert (await talk("Ben", "incident tasks later=1")).ok
    await sent()
    await fire(f"task {id}/1")
    assert await sent() == [], "it is not due any more"
    rows = await talk.read(
        lambda tx: tx.conn.execute(select(tables.timers).where(tables.timers.c.kind == "task")).all()
    )
    assert [(row.subject, row.state) for row in rows] == [("INC-1/1", "pending")]
    await talk("Ben", body["buttons"][0]["line"], kind="button")
    await fire("task INC-1/9")
    await sent()


async def test_nobodys_is_told_to_who_leads_and_drills_are_quiet(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    await talk("Chi", "incident role commander me")
    await _due(talk, id, None)
    await sent()
    await fire(f"task {id}/1")
    (body,) = await sent()
    assert "Nobody has it: `/incident tasks INC-1 take=1`" in body["text"]
    await _due(talk, id, None, kind="drill")
    await fire(f"task {id}/2")
    assert await sent() == []
