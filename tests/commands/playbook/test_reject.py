"""/playbook reject"""

from __future__ import annotations

from typing import Any

from storage import decisions
from tests.commands.playbook.conftest import opened


async def test_one_no_ends_it_with_its_reason(talk: Any) -> None:
    made = await opened(talk)
    said = await talk("Ben", f"playbook reject {made.id} dead wrong")
    assert said.ok and "Nothing was changed" in said.text
    now = await talk.read(lambda tx: decisions.get(tx, made.id))
    assert (now.state, now.reason) == ("denied", "rejected by Ben: dead wrong")
    assert not (await talk("Chi", f"playbook confirm {made.id}")).ok
