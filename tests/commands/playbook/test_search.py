"""/playbook search"""

from __future__ import annotations

from typing import Any


async def test_all_words_first_names_before_texts(talk: Any) -> None:
    reply = await talk("Ana", "playbook search rds failover")
    assert reply.data["playbooks"][0] == "failover/rds-multi-az"
    assert reply.buttons[0].line == "playbook show failover/rds-multi-az"
    by_action = await talk("Ana", "playbook search redis.flush")
    assert "cache/flush" in by_action.data["playbooks"]
    assert "None speaks of" in (await talk("Ana", "playbook search failover zebra")).text
    none = await talk("Ana", "playbook search zebra")
    assert none.ok and "No playbook speaks of *zebra*" in none.text and none.data["playbooks"] == []
    assert "It needs *query*" in (await talk("Ana", "playbook search")).text
