"""`resolve/default`: the page and the status page close, and the draft is shared once."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def closed(stage: Stage) -> None:
    """Nothing rings, the page is resolved, one file is in the channel."""
    assert [page.status for page in stage.sandbox.pagerduty.incidents.values()] == ["resolved"]
    assert [one["status"] for one in stage.sandbox.statuspage.incidents.values()] == ["resolved"]
    assert len([file for file in stage.sandbox.world.files.values() if file.completed]) == 1


ENTRY = Entry(incident={"channel": False}, before=("declare/default", "comms/publish"), check=closed)
