"""`comms/approvers-answered`: the page that called the approver ends."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def quiet(stage: Stage) -> None:
    """Nothing rings any more."""
    assert [page.status for page in stage.sandbox.pagerduty.incidents.values()] == ["resolved"]


ENTRY = Entry(inputs={"emails": ["ben@example.com"], "key": "INC-1/2/1"}, before=("comms/page-approvers",), check=quiet)
