"""/playbook abort"""

from __future__ import annotations

from typing import Any


async def test_it_ends_with_the_reason(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    assert "aborted" in (await talk("Eve", "playbook abort INC-1/2 wrong service")).text
    event = (await talk.events("INC-1", "run.abort_asked"))[0]
    assert event.text("reason") == "wrong service"
    assert "has ended" in (await talk("Ben", "playbook abort INC-1/2")).text
