"""/playbook retry"""

from __future__ import annotations

from typing import Any


async def test_only_what_failed_is_tried_again(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    assert not (await talk("Ben", "playbook retry INC-1/2")).ok
    assert not (await talk("Eve", "playbook retry INC-1/2")).ok  # policy: sre may run
