"""`comms/ask-again`: whoever is asked last is paged once, and each is written to."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage

TEXT = "INC-1, step 2 asks: Is the backup clean?"


async def called(stage: Stage) -> None:
    """One page, one message each."""
    assert len(stage.sandbox.pagerduty.incidents) == 1
    for user in ("U0BEN", "U0CHI"):
        assert stage.messages(user) == [TEXT]


ENTRY = Entry(
    inputs={"emails": ["ben@example.com"], "users": ["U0BEN", "U0CHI"], "text": TEXT, "key": "muster/INC-1/2#2/1"},
    check=called,
)
