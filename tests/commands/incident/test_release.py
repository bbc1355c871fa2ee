"""/incident release: two people again."""

from __future__ import annotations

from typing import Any

from storage import holds


async def test_two_people_let_it_go(team: Any) -> None:
    id = await team.declare()
    none = await team("Ben", "incident release the case is closed")
    assert not none.ok and "is not held" in none.text
    asked = await team("Ben", "incident hold case 7")
    await team("Chi", f"playbook confirm {asked.data['decision']}")
    asked = await team("Chi", "incident release the case is closed")
    assert not (await team("Eve", f"playbook confirm {asked.data['decision']}")).ok
    assert await team.read(lambda tx: holds.held(tx, id))
    assert (await team("Ben", f"playbook confirm {asked.data['decision']}")).ok
    assert await team.read(lambda tx: holds.held(tx, id)) is None
    assert len(await team.events(id, "hold.released")) == 1
