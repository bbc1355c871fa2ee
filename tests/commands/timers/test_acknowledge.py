"""Nobody acknowledged the page."""

from __future__ import annotations

from typing import Any

from storage import incidents


async def test_nobody_acknowledged(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    await sent()
    await fire(f"acknowledge {id}")
    (body,) = await sent()
    assert "nobody has acknowledged" in body["text"] and "+1-555-0199 (Payments primary)" in body["text"]
    await talk.house.db.write(lambda tx: incidents.acknowledge(tx, id, person=None, source="pagerduty"))
    await fire(f"acknowledge {id}")
    assert await sent() == []
