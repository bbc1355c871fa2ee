"""`cancel/default`: the page and the status page close, and the channel hears why."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def closed(stage: Stage) -> None:
    """Nothing rings, the page is resolved, the reason was said once."""
    assert [page.status for page in stage.sandbox.pagerduty.incidents.values()] == ["resolved"]
    assert [one["status"] for one in stage.sandbox.statuspage.incidents.values()] == ["resolved"]
    room = next(one.name for one in stage.sandbox.world.channels.values() if one.name.startswith("inc-"))
    assert sum("a drill somebody forgot" in text for text in stage.posts(room)) == 1


ENTRY = Entry(
    inputs={"reason": "a drill somebody forgot to announce"},
    incident={"channel": False},
    before=("declare/default", "comms/publish"),
    check=closed,
)
