"""/incident related"""

from __future__ import annotations

from typing import Any

from storage import standing


async def test_it_stands_on_both_and_private_ones_are_not_there(talk: Any) -> None:
    await talk.declare("sev2 keys leaked type=security")
    await talk.declare("sev3 search is slow", channel="C43")
    await talk.declare("sev1 checkout is down", channel="C44")
    assert "are related now" in (await talk("Eve", "incident related INC-2")).text
    for id, other in (("INC-2", "INC-3"), ("INC-3", "INC-2")):
        assert standing.others(await talk.incident(id), standing.RELATED) == [other]
    assert "related already" in (await talk("Eve", "incident related INC-2")).text
    hidden = await talk("Eve", "incident related INC-1")
    assert not hidden.ok and "There is no INC-1" in hidden.text
    assert "*INC-1 · sev2 · restricted*" in (await talk("Ben", "incident related INC-1")).text
