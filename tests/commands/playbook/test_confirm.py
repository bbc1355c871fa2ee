"""/playbook confirm"""

from __future__ import annotations

from typing import Any

import pytest

from tests.commands.playbook.conftest import opened


async def test_two_confirm_and_it_is_done(talk: Any) -> None:
    made = await opened(talk)
    first = await talk("Ben", f"playbook confirm {made.id}")
    assert first.ok and "1 of 2" in first.text
    last = await talk("Chi", f"playbook confirm {made.id} digest={made.digest[:12]}", kind="button", message_ts="1.1")
    assert last.ok and last.text == "Tried."
    voted = await talk.events("org", "decision.voted")
    assert [e.body["via"] for e in voted] == ["slack", "slack:1.1"]


@pytest.mark.parametrize(("who", "more", "words"), [
    ("Eve", {}, "Approving needs `@sre`"), ("x", {"account": "T9/UX"}, "another workspace"),
    ("Ana", {}, "You asked for this"),
])  # fmt: skip
async def test_others_are_refused_and_recorded(talk: Any, who: str, more: dict[str, str], words: str) -> None:
    made = await opened(talk)
    said = await talk(who, f"playbook confirm {made.id}", **more)
    assert not said.ok and words in said.text
    (event,) = await talk.events("org", "decision.voted")
    assert event.body["counted"] is False


async def test_a_number_nobody_knows(talk: Any) -> None:
    assert "There is no decision *D-9*" in (await talk("Ben", "playbook confirm 9")).text
    assert "not a decision like D-7" in (await talk("Ben", "playbook confirm INC-1")).text
