"""/incident send"""

from __future__ import annotations

from typing import Any

from storage import runs


async def test_pressed_once_it_is_told_once(talk: Any) -> None:
    id = await talk.declare()
    preview = await talk("Ana", "incident update Checkout is back. status=monitoring")
    sent = await talk("Ana", preview.buttons[0].line, kind="button")
    assert "(*monitoring*" in sent.text and "Next update due" in sent.text
    again = await talk("Ana", preview.buttons[0].line, kind="button")
    assert not again.ok and "sent already" in again.text
    found = await talk.incident(id)
    assert (found.status, found.latest_update) == ("monitoring", "Checkout is back.")
    mine = await talk.read(lambda tx: [run.playbook for run in runs.of_incident(tx, id)])
    assert mine == ["declare/default", "comms/update"]


async def test_somebody_elses_preview_is_not_sent(talk: Any) -> None:
    await talk.declare()
    preview = await talk("Ana", "incident update Checkout is back.")
    reply = await talk("Ben", preview.buttons[0].line, kind="button")
    assert not reply.ok and "no preview of yours" in reply.text
