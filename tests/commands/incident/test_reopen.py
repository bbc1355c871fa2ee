"""/incident reopen"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from storage import incidents, runs
from storage.tables import timers


async def test_what_is_back_is_paged_anew_and_its_clocks_run(talk: Any) -> None:
    id = await talk.declare()
    await talk("Ben", "incident ack")
    page = {"page_key": f"muster/{id}", "status_page_incident": "S1"}
    await talk.house.db.write(lambda tx: incidents.set_facts(tx, id, page))
    assert "is open (investigating)" in (await talk("Ana", "incident reopen it is back")).text
    await talk("Ben", "incident resolve it was an index")
    reply = await talk("Ana", "incident reopen errors are back")
    assert reply.ok and "is *open again*" in reply.text and "The on-call is being paged." in reply.text
    assert "Next update due" in reply.text
    found = await talk.incident(id)
    assert (
        found.open and found.status == "investigating" and found.resolved_at is None and found.acknowledged_at is None
    )
    assert found.facts["status_page_incident"] is None, "the next publish is a new one"
    assert (await talk.read(lambda tx: runs.of_incident(tx, id)))[-1].playbook == "sev/raise"
    waits = select(timers.c.kind).where(timers.c.subject == id, timers.c.state == "pending")
    assert {"acknowledge", "update"} <= set(await talk.read(lambda tx: tx.conn.execute(waits).scalars().all()))
    (event,) = await talk.events(id, "incident.reopened")
    assert event.body["from"] == "resolved" and event.text("reason") == "errors are back"
    assert (await talk("Ben", "incident resolve now it is over")).ok
    assert "It needs *reason*" in (await talk("Ana", "incident reopen INC-1")).text
