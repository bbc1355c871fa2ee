"""/incident list"""

from __future__ import annotations

from typing import Any


async def test_open_ones_newest_first_and_all_with_the_ended(talk: Any) -> None:
    assert "Nothing is open" in (await talk("Eve", "incident list")).text
    await talk.declare()
    await talk.declare("sev2 search is slow", channel="C43")
    await talk("Ana", "incident cancel wrong", channel="C42")
    reply = await talk("Eve", "incident list", channel="CTOWN")
    assert reply.data == {"incidents": ["INC-2"]} and "🟠 *INC-2 · sev2 · search is slow*" in reply.text
    assert (await talk("Eve", "incident list all")).data == {"incidents": ["INC-2", "INC-1"]}


async def test_private_ones_only_for_those_who_may_know(talk: Any) -> None:
    await talk.declare("sev1 leak type=security", channel="C42")
    talk.channel = None
    assert (await talk("Eve", "incident list")).data == {"incidents": []}
    assert (await talk("Ana", "incident list")).data == {"incidents": ["INC-1"]}  # she declared it
    assert (await talk("Ben", "incident list")).data == {"incidents": ["INC-1"]}  # sre may see private ones
    assert "leak" not in (await talk("Ben", "incident list")).text
    refused = await talk("Eve", "incident status INC-1")
    assert not refused.ok and refused.text.startswith("There is no INC-1.")
