"""/playbook decisions"""

from __future__ import annotations

from typing import Any

from tests.commands.playbook.conftest import opened


async def test_open_ones_come_first_with_how_far_they_are(talk: Any) -> None:
    assert "Nothing waits" in (await talk("Ana", "playbook decisions")).text
    first, second = await opened(talk), await opened(talk, subject="two")
    await talk("Ben", f"playbook reject {first.id} no")
    await talk("Ben", f"playbook confirm {second.id}")
    said = await talk("Ana", "playbook decisions")
    lines = said.text.splitlines()
    assert said.data["decisions"] == ["D-2", "D-1"]
    assert "1 of 2" in lines[0] and "`/playbook confirm D-2`" in lines[0]
    assert "denied" in lines[1] and "rejected by Ben: no" in lines[1]
