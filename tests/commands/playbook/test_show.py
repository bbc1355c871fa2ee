"""/playbook show"""

from __future__ import annotations

from typing import Any


async def test_what_it_asks_for_and_does(talk: Any) -> None:
    reply = await talk("Eve", "playbook show failover/rds-multi-az")
    assert "Use when the primary" in reply.text and "`service` service: whose database fails over" in reply.text
    assert (
        "2. 🔐 *aws.rds_failover*" in reply.text
        and reply.text.count("waits for approval") == 1
        and "sha256:" in reply.text
    )
    wrong = await talk("Eve", "playbook show failover/rds-mutli-az")
    assert not wrong.ok and "Did you mean *failover/rds-multi-az*?" in wrong.text
