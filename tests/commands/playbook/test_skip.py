"""/playbook skip"""

from __future__ import annotations

from typing import Any


async def test_it_needs_a_reason_which_is_kept(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Ben", "playbook skip INC-1/2")
    assert not reply.ok and "It needs *reason*" in reply.text
    assert (await talk("Ben", "playbook skip INC-1/2 step=before looked by hand")).ok
    event = (await talk.events("INC-1", "step.skipped"))[0]
    assert event.text("reason") == "looked by hand" and event.body["id"] == "before"
