"""`comms/page-approvers`: the missing approver's phone rings once, and each is written to."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage

TEXT = "Please decide on INC-1/2: reboot orders-db."


async def called(stage: Stage) -> None:
    """One page, one message each."""
    assert len(stage.sandbox.pagerduty.incidents) == 1
    for user in ("U0BEN", "U0CHI"):
        assert stage.messages(user) == [TEXT]


ENTRY = Entry(
    inputs={"emails": ["ben@example.com"], "users": ["U0BEN", "U0CHI"], "text": TEXT, "key": "INC-1/2/1"},
    check=called,
)
