"""`comms/update`: the channel and the public page say it once."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def said(stage: Stage) -> None:
    """One post, one update of the page's incident."""
    assert stage.posts("inc-1-checkout-is-down") == ["*Update* We found the cause."]
    page = next(iter(stage.sandbox.statuspage.incidents.values()))
    assert page["status"] == "identified"
    assert len(page["incident_updates"]) == 2


ENTRY = Entry(inputs={"text": "We found the cause.", "status": "identified"}, before=("comms/publish",), check=said)
