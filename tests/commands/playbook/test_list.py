"""/playbook list"""

from __future__ import annotations

from typing import Any


async def test_all_or_those_of_one_kind(talk: Any) -> None:
    everything = await talk("Eve", "playbook list")
    assert "• *failover/rds-multi-az* RDS Multi-AZ failover" in everything.text
    assert (await talk("Eve", "playbook list failover")).data == {"playbooks": ["failover/rds-multi-az"]}
    reply = await talk("Eve", "playbook list failovr")
    assert not reply.ok and "Did you mean *failover*?" in reply.text
