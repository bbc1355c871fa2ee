"""/incident status"""

from __future__ import annotations

from typing import Any

from storage import incidents


async def test_one_answer_says_how_things_stand(talk: Any) -> None:
    id = await talk.declare()
    ben = await talk.member("Ben", "sre")
    await talk.house.db.write(lambda tx: incidents.acknowledge(tx, id, person=ben, source="pagerduty"))
    reply = await talk("Eve", "incident status")
    assert "🔴 *INC-1 · sev1 · checkout is down* · *investigating*" in reply.text and "<#C42>" in reply.text
    assert "Incident commander *Ben* (interim) · Comms lead —" in reply.text
    assert "checkout (tier 1, RTO 15 min: *ends" in reply.text and "acknowledged by Ben" in reply.text
    assert "next due *" in reply.text and "Runs: none" in reply.text
