"""/incident escalate"""

from __future__ import annotations

from typing import Any

from storage import incidents, runs


async def test_the_page_goes_to_the_next_layer_by_a_run(talk: Any) -> None:
    id = await talk.declare()
    none = await talk("Ana", "incident escalate")
    assert not none.ok and "no page to escalate" in none.text and "+1-555-0199" in none.text
    await talk.house.db.write(lambda tx: incidents.set_facts(tx, id, {"page_key": f"muster/{id}"}))
    reply = await talk("Ana", "incident escalate level=3 nobody answers")
    assert reply.text == "📟 Escalating the page of *INC-1* to layer 3."
    run = await talk.read(lambda tx: runs.get(tx, reply.data["run"]))
    assert run.playbook == "comms/escalate" and run.inputs == {"level": 3, "reason": "nobody answers"}
    assert "There is no layer 99" in (await talk("Ana", "incident escalate level=99")).text
    await talk("Ben", "incident cancel it was the probe")
    assert "nobody was paged" in (await talk("Ana", "incident escalate")).text
