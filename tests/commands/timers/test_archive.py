"""The time after the close is over."""

from __future__ import annotations

from typing import Any

from storage import runs


async def test_the_channel_of_a_closed_incident_is_archived_by_a_run(talk: Any, fire: Any) -> None:
    id = await talk.declare()
    await talk("Ben", "incident resolve it was an index")
    await fire(f"archive {id}")
    await talk("Ana", "incident close")
    assert "close/archive" not in [run.playbook for run in await talk.read(lambda tx: runs.of_incident(tx, id))]
    await fire(f"archive {id}")
    last = (await talk.read(lambda tx: runs.of_incident(tx, id)))[-1]
    assert last.playbook == "close/archive" and last.requester == "muster" and not last.shown
