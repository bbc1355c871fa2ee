"""/incident parent"""

from __future__ import annotations

from typing import Any

from storage import standing


async def test_it_is_part_of_one_and_never_of_itself(talk: Any) -> None:
    first = await talk.declare()
    await talk.declare("sev3 search is slow", channel="C43")
    reply = await talk("Ana", "incident parent inc-1")
    assert reply.text == "*INC-2* is part of *INC-1 · sev1 · checkout is down* now."
    assert "part of INC-1 already" in (await talk("Ana", "incident parent INC-1")).text
    assert "INC-2 is part of INC-1; it cannot" in (await talk("Ana", f"incident parent INC-2 incident={first}")).text
    assert "is this one" in (await talk("Ana", "incident parent 2")).text
    assert "There is no INC-9" in (await talk("Ana", "incident parent INC-9")).text
    assert "is not an incident" in (await talk("Ana", "incident parent bigger")).text
    assert "part of INC-1 no more" in (await talk("Ana", "incident parent none")).text
    assert standing.others(await talk.incident("INC-2"), standing.PARENT) == []
    assert [event.body["other"] for event in await talk.events("INC-2", "incident.related")] == ["INC-1", None]
