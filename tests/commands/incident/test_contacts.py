"""/incident contacts"""

from __future__ import annotations

from typing import Any

from playbooks.policy_sections import Contact


async def test_inside_first_then_the_telephone_then_outside(talk: Any, monkeypatch: Any) -> None:
    await talk.declare()
    monkeypatch.setattr(talk.house, "policy", talk.house.policy.model_copy(update={"contacts": {}}))
    none = await talk("Ana", "incident contacts")
    assert (
        "Incident commander —" in none.text and "+1-555-0199" in none.text and "names no contacts outside" in none.text
    )
    marqeta = Contact(name="marqeta", title="Marqeta", when="card processing", phone="+1-888-555-0199")
    monkeypatch.setattr(talk.house, "policy", talk.house.policy.model_copy(update={"contacts": {"marqeta": marqeta}}))
    told = await talk("Ana", "incident contacts", channel="CTOWN")
    assert "• *Marqeta* (card processing): +1-888-555-0199" in told.text and "commander" not in told.text
