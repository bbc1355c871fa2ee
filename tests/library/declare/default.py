"""`declare/default`: one page, one channel with its topic and people, and nothing published that policy keeps a draft."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def declared(stage: Stage) -> None:
    """One page rings, one channel is open and says what it is about."""
    pages = list(stage.sandbox.pagerduty.incidents.values())
    assert [page.status for page in pages] == ["triggered"]
    rooms = [one for one in stage.sandbox.world.channels.values() if one.name.startswith("inc-")]
    assert len(rooms) == 1
    assert rooms[0].topic == "INC-1 · sev1 · checkout is down"
    assert {"U0BEN", "U0CHI", "U0DOV"} <= set(rooms[0].members)
    assert not stage.sandbox.statuspage.incidents


ENTRY = Entry(incident={"channel": False}, check=declared, skipped=("status", "ticket"), thorough=True)
