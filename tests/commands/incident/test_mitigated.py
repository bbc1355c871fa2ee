"""/incident mitigated"""

from __future__ import annotations

from typing import Any


async def test_it_hurts_no_more(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ben", "incident mitigated traffic goes to the replica")
    assert "is *mitigated* (was investigating)" in reply.text and reply.buttons[0].label == "Update"
    found = await talk.incident(id)
    assert found.status == "mitigated" and found.update_due_at and found.restored_at is None
    (event,) = await talk.events(id, "incident.status")
    assert event.body == {"from": "investigating", "to": "mitigated"}
    assert event.text("reason") == "traffic goes to the replica"
    assert "is mitigated already" in (await talk("Ben", "incident mitigated")).text
    await talk("Ana", "incident resolve done")
    assert "stays so" in (await talk("Ben", f"incident mitigated {id}")).text
