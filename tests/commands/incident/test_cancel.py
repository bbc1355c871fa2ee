"""/incident cancel"""

from __future__ import annotations

from typing import Any

from storage import runs


async def test_it_ends_with_the_reason_and_calls_people_off(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ana", "incident cancel false alarm")
    assert reply.text.startswith("🚫 *INC-1 cancelled*")
    run = await talk.read(lambda tx: runs.of_incident(tx, id)[-1])
    assert run.playbook == "cancel/default" and run.inputs == {"reason": "false alarm"}


async def test_it_needs_the_reason(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ana", "incident cancel")
    assert not reply.ok and "reason" in reply.text and "Try `/incident cancel" in reply.text
