"""/incident catchup"""

from __future__ import annotations

from typing import Any


async def test_who_joins_late_reads_what_is_known_tried_and_waits(talk: Any) -> None:
    await talk.declare()
    await talk("Ana", "incident note the writer does not answer")
    await talk("Ben", "incident role commander me")
    await talk("Ana", "incident task @me call the bank")
    reply = await talk("Eve", "incident catchup")
    assert reply.ok and reply.text.startswith("🔴 *INC-1 · sev1 · checkout is down*")
    for words in ("Incident commander *Ben*", "Told to people: nothing yet.", "☐ *1* call the bank · *Ana*",
                  "*Ana* noted: the writer does not answer", "*Ben* is commander"):  # fmt: skip
        assert words in reply.text, words
    assert reply.buttons[0].line == "incident subscribe INC-1"
    assert "Which incident?" in (await talk("Eve", "incident catchup", channel="CTOWN")).text
