"""/playbook answer"""

from __future__ import annotations

from typing import Any


async def test_without_a_question_there_is_nothing_to_answer(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Ben", "playbook answer happened")
    assert not reply.ok and "No run of INC-1 asks anybody anything" in reply.text
    assert not (await talk("Ben", "playbook answer INC-1/2 happened")).ok
    assert "Which answer?" in (await talk("Ben", "playbook answer INC-1/2")).text
