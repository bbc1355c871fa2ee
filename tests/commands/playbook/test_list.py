"""/playbook list"""

from __future__ import annotations

from typing import Any


async def test_all_or_those_of_one_kind(talk: Any) -> None:
    everything = await talk("Eve", "playbook list")
    lines = everything.text.splitlines()
    assert lines[0].startswith("*failover/* ") and "`rds-multi-az`" in lines[0], "what recovers comes first"
    assert len(lines) < 40 and len(everything.data["playbooks"]) > 80, "all of it is one screen"
    assert lines[-1].startswith("`/playbook list failover` says what each is")
    some = await talk("Eve", "playbook list failover")
    names = some.data["playbooks"]
    assert "failover/secondary-site" in names and all(name.startswith("failover/") for name in names)
    assert "• *failover/rds-multi-az* RDS Multi-AZ failover" in some.text
    reply = await talk("Eve", "playbook list failovr")
    assert not reply.ok and "Did you mean *failover*?" in reply.text
