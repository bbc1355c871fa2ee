"""/playbook pause"""

from __future__ import annotations

from typing import Any

from storage import runs


async def test_anybody_stops_the_only_run(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    assert "starts nothing new" in (await talk("Eve", "playbook pause")).text
    assert (await talk.read(lambda tx: runs.get(tx, "INC-1/2"))).state == "paused"


async def test_two_runs_are_asked_about(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    await talk("Ben", "playbook run failover/rds-multi-az service=auth")
    reply = await talk("Ben", "playbook pause")
    assert not reply.ok and "Which run? INC-1/2 failover/rds-multi-az (queued), INC-1/3" in reply.text
