"""/incident timeline"""

from __future__ import annotations

from typing import Any


async def test_numbered_named_and_paged(talk: Any) -> None:
    await talk.declare()
    for number in range(25):
        await talk("Ben", f"incident note entry {number}")
    first = await talk("Eve", "incident timeline")
    assert "`  1`" in first.text and "*Ana* declared sev1: checkout is down" in first.text
    assert "*Ben* noted: entry 0" in first.text and "20 of 27 events" in first.text
    second = await talk("Eve", first.buttons[0].line, kind="button")
    assert "entry 24" in second.text and "27 of 27" in second.text and second.buttons == ()
    assert "none after 99" in (await talk("Eve", "incident timeline after=99")).text
