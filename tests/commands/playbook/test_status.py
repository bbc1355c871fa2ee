"""/playbook status"""

from __future__ import annotations

from typing import Any


async def test_it_lists_or_tells_one(talk: Any) -> None:
    await talk.declare()
    assert "no runs yet" in (await talk("Eve", "playbook status")).text
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Eve", "playbook status")
    assert "*INC-1/2* failover/rds-multi-az · *queued* · asked by Ben" in reply.text
    assert "○ 2 aws.rds_failover" in reply.text
    assert (await talk("Eve", "playbook status INC-1", channel="CTOWN")).text == reply.text
    assert "The runs of which incident?" in (await talk("Eve", "playbook status", channel="CTOWN")).text
