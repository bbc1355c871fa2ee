"""`comms/escalate`: the page is with the second layer, and nobody else was called."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def escalated(stage: Stage) -> None:
    """One page, Chi's."""
    account = stage.sandbox.pagerduty
    (page,) = account.incidents.values()
    assert [one["assignee"]["summary"] for one in account.show(page)["assignments"]] == ["Chi"]


ENTRY = Entry(incident={"channel": False}, before=("declare/default",), check=escalated)
