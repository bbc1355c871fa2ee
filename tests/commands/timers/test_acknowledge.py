"""Nobody acknowledged the page."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from storage import incidents, runs, tables, timers


async def _escalations(talk: Any, id: str) -> list[Any]:
    mine = await talk.read(lambda tx: runs.of_incident(tx, id))
    return [run for run in mine if run.playbook == "comms/escalate"]


async def test_the_second_layer_is_called_once_and_people_are_told_again(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    await sent()
    await talk.house.db.write(lambda tx: incidents.set_facts(tx, id, {"page_key": f"muster/{id}"}))
    await fire(f"acknowledge {id}")
    (body,) = await sent()
    assert "nobody has acknowledged" in body["text"] and "I am calling the next layer." in body["text"]
    assert "+1-555-0199 (Payments primary)" in body["text"] and body["buttons"] == [], "a page cannot be put off"
    (run,) = await _escalations(talk, id)
    assert (run.requester, run.inputs["level"], run.shown) == ("muster", 2, False)
    (timer,) = [one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "acknowledge"]
    assert timer.payload == {"rung": 1, "called": True}
    await fire(f"acknowledge {id}", **timer.payload)
    (body,) = await sent()
    assert "was called before" in body["text"] and len(await _escalations(talk, id)) == 1
    await talk.house.db.write(lambda tx: incidents.acknowledge(tx, id, person=None, source="pagerduty"))
    await fire(f"acknowledge {id}")
    assert await sent() == [] and len(await _escalations(talk, id)) == 1


async def test_a_page_that_comes_late_is_handed_on_when_the_clock_runs_out_again(
    talk: Any, fire: Any, sent: Any
) -> None:
    id = await talk.declare()
    await sent()
    await fire(f"acknowledge {id}")
    (body,) = await sent()
    assert "There is no page yet" in body["text"] and await _escalations(talk, id) == []
    (timer,) = [one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "acknowledge"]
    assert timer.payload == {"rung": 1, "called": False}
    assert await talk.read(lambda tx: timers.escalates_at(tx, id)) == timer.due_at
    await talk.house.db.write(lambda tx: incidents.set_facts(tx, id, {"page_key": f"muster/{id}"}))
    await fire(f"acknowledge {id}", **timer.payload)
    (body,) = await sent()
    assert "I am calling the next layer." in body["text"] and len(await _escalations(talk, id)) == 1


async def test_without_a_page_people_are_told_and_a_drill_is_quiet(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    await sent()
    await fire(f"acknowledge {id}")
    (body,) = await sent()
    assert "There is no page" in body["text"] and await _escalations(talk, id) == []
    await talk.house.db.write(
        lambda tx: tx.conn.execute(update(tables.incidents).values(kind="drill", facts={"page_key": "k"}))
    )
    await fire(f"acknowledge {id}")
    assert await sent() == [] and await _escalations(talk, id) == []
    assert len(await talk.events(id, "clock.overdue")) == 2, "it is measured all the same"
