"""`comms/page`: Chi's phone rings once, she is written to once, and is in the channel."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage

TEXT = "Ana asks for you in INC-1: the database will not come up."


async def called(stage: Stage) -> None:
    """One page, one message, in the room."""
    assert len(stage.sandbox.pagerduty.incidents) == 1
    assert stage.messages("U0CHI") == [TEXT]
    assert "U0CHI" in stage.sandbox.world.channels[CHANNEL].members


ENTRY = Entry(
    inputs={"emails": ["chi@example.com"], "users": ["U0CHI"], "text": TEXT, "key": "muster/INC-1/abc"}, check=called
)
