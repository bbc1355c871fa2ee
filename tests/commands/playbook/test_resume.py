"""/playbook resume"""

from __future__ import annotations

from typing import Any


async def test_a_paused_run_goes_on(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Ben", "playbook resume")
    assert not reply.ok and "No run of INC-1 is paused" in reply.text
    await talk("Ben", "playbook pause")
    assert "goes on" in (await talk("Ben", "playbook resume /2")).text
