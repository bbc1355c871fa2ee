"""/incident clocks"""

from __future__ import annotations

from typing import Any


async def test_every_clock_with_what_is_left(talk: Any) -> None:
    id = await talk.declare()
    first = await talk("Eve", "incident clocks")
    assert (
        "Acknowledgement: due" in first.text and "Status update: due" in first.text and "RTO of checkout" in first.text
    )
    assert "No regulatory clock runs" in first.text and "Not started: gdpr, nis2" in first.text
    await talk("Ana", "incident clock gdpr data was public")
    reply = await talk("Eve", "incident clocks")
    assert "GDPR breach notification" in reply.text and "notify Data protection officer" in reply.text
    assert reply.data["clocks"][0]["name"] == "gdpr" and "Not started: nis2" in reply.text
    await talk("Ana", "incident resolve done")
    ended = await talk("Eve", f"incident clocks {id}")
    assert "Status update" not in ended.text and "GDPR" in ended.text
