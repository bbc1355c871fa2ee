"""/playbook revoke"""

from __future__ import annotations

from typing import Any


async def test_it_reaches_the_engine_with_the_reason(talk: Any, heard: list[dict[str, Any]]) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    assert (await talk("Ben", "playbook revoke wrong zone")).text == "Withdrawn."
    assert (heard[0]["run"], heard[0]["reason"]) == ("INC-1/2", "wrong zone")


async def test_nothing_to_take_back(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Chi", "playbook revoke INC-1/2")
    assert not reply.ok and reply.text.startswith("You have approved nothing in INC-1/2. Nothing was changed.")
