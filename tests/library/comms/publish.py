"""`comms/publish`: one public incident."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def published(stage: Stage) -> None:
    """Once, however often the answer got lost."""
    assert [one["name"] for one in stage.sandbox.statuspage.incidents.values()] == ["checkout is down"]


ENTRY = Entry(check=published)
