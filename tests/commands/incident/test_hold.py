"""/incident hold: two people, an entry, and pruning is refused by the database itself."""

from __future__ import annotations

from typing import Any

from storage import holds


async def test_two_people_hold_a_timeline(team: Any) -> None:
    id = await team.declare()
    asked = await team("Ben", "incident hold case 7 at court")
    assert await team.read(lambda tx: holds.held(tx, id)) is None
    done = await team("Chi", f"playbook confirm {asked.data['decision']}")
    assert done.ok and "is held" in done.text
    held = await team.read(lambda tx: holds.held(tx, id))
    assert held.reason == "case 7 at court" and held.decision == asked.data["decision"]
    (told,) = await team.events(id, "hold.placed")
    assert len(told.body["by"]) == 2
    again = await team("Chi", "incident hold once more")
    assert not again.ok and "has been held since" in again.text
