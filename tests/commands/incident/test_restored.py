"""/incident restored"""

from __future__ import annotations

from datetime import timedelta
from typing import Any


async def test_time_to_restore_counts_from_detection(talk: Any) -> None:
    id = await talk.declare()
    start = (await talk.incident(id)).declared_at - timedelta(minutes=3)
    await talk("Ben", f"incident detected {start.isoformat()}")
    reply = await talk("Ben", "incident restored")
    assert "*Time to restore: 3 min of 15 min RTO.*" in reply.text
    assert (await talk.incident(id)).status == "mitigated"


async def test_impossible_times_are_refused(talk: Any) -> None:
    id = await talk.declare()
    late = (await talk.incident(id)).declared_at + timedelta(hours=2)
    reply = await talk("Ben", f"incident restored {late.isoformat()}")
    assert not reply.ok and "future" in reply.text
    assert "not a time" in (await talk("Ben", "incident restored yesterday")).text
    assert (await talk.incident(id)).restored_at is None
