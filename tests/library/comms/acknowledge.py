"""`comms/acknowledge`: the page stops ringing."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def acknowledged(stage: Stage) -> None:
    """In somebody's hands, and open."""
    assert [page.status for page in stage.sandbox.pagerduty.incidents.values()] == ["acknowledged"]


ENTRY = Entry(incident={"channel": False}, before=("declare/default",), check=acknowledged)
