"""/incident timeline"""

from __future__ import annotations

from typing import Any

from storage import anchors, timeline


async def test_numbered_named_and_paged(talk: Any) -> None:
    await talk.declare()
    for number in range(25):
        await talk("Ben", f"incident note entry {number}")
    first = await talk("Eve", "incident timeline")
    assert "`  1`" in first.text and "*Ana* declared sev1: checkout is down" in first.text
    assert "*Ben* noted: entry 0" in first.text and "20 of 27 events" in first.text
    second = await talk("Eve", first.buttons[0].line, kind="button")
    assert "entry 24" in second.text and "27 of 27" in second.text and second.buttons == ()
    last = await talk("Eve", "incident timeline last")
    assert "`  8`" in last.text and "`  7`" not in last.text and "entry 24" in last.text and last.buttons == ()
    for number in range(15):
        await talk("Ben", f"incident note further {number}")
    shown = {one.label: one.line for one in (await talk("Eve", "incident timeline")).buttons}
    assert "further 14" in (await talk("Eve", shown["Last"], kind="button")).text and "More" in shown
    assert "none after 99" in (await talk("Eve", "incident timeline after=99")).text


async def test_it_says_where_it_is_anchored(talk: Any) -> None:
    id = await talk.declare()
    assert "anchored" not in (await talk("Eve", "incident timeline")).text

    def keep(tx: Any) -> None:
        anchors.keep(tx, [timeline.head(tx, id)], {"file": "/var/anchors.jsonl"}, "org/1")

    before = await talk.read(lambda tx: timeline.head(tx, id).seq)
    await talk.house.db.write(keep)
    await talk("Ben", "incident note later")
    assert f"· anchored at {before}" in (await talk("Eve", "incident timeline")).text
