"""/playbook list"""

from __future__ import annotations

from typing import Any


async def test_all_or_those_of_one_kind(talk: Any) -> None:
    everything = await talk("Eve", "playbook list")
    assert "• *assess/postgres* Look at the database" in everything.text
    assert "more: `/playbook list &lt;kind&gt;`" in everything.text, "a screen is enough"
    some = await talk("Eve", "playbook list failover")
    names = some.data["playbooks"]
    assert "failover/secondary-site" in names and all(name.startswith("failover/") for name in names)
    assert "• *failover/rds-multi-az* RDS Multi-AZ failover" in some.text
    reply = await talk("Eve", "playbook list failovr")
    assert not reply.ok and "Did you mean *failover*?" in reply.text
