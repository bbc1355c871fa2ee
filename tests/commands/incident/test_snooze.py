"""/incident snooze"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage import timers


async def _pending(talk: Any, id: str, kind: str) -> Any:
    return next(one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == kind)


async def test_a_reminder_waits_and_what_is_due_stays_due(talk: Any) -> None:
    id = await talk.declare()
    due = (await talk.incident(id)).update_due_at
    reply = await talk("Ben", "incident snooze update 2h")
    assert reply.ok and "reminders about *update* wait until" in reply.text
    later = await _pending(talk, id, "update")
    assert later.due_at - due > timedelta(minutes=80) and (await talk.incident(id)).update_due_at == due
    (event,) = await talk.events(id, "clock.snoozed")
    assert event.body["what"] == "update"
    assert (await talk("Ben", "incident snooze update")).ok, "half an hour when nothing is said"
    assert (await _pending(talk, id, "update")).due_at < later.due_at


async def test_what_cannot_be_put_off(talk: Any) -> None:
    id = await talk.declare()
    page = await talk("Ben", "incident snooze acknowledge 1h")
    assert not page.ok and "A page cannot be put off" in page.text and "/incident ack" in page.text
    assert "no reminders about *gdpr*. Reminders to come: update" in (await talk("Ben", "incident snooze gdpr 1h")).text
    assert "a day at most" in (await talk("Ben", "incident snooze update 3d")).text
    assert "not a time" in (await talk("Ben", "incident snooze update soon")).text
    await talk("Ben", "incident cancel it was the probe")
    assert "No reminders are to come" in (await talk("Ben", f"incident snooze {id} update 1h")).text
