"""`comms/acted-alone`: the channel and everyone who may approve hear it once."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage

TEXT = "Ben broke the glass for INC-1/2."


async def told(stage: Stage) -> None:
    """One post, and one message each."""
    assert stage.posts("inc-1-checkout-is-down") == [TEXT]
    for user in ("U0BEN", "U0CHI"):
        assert stage.messages(user) == [TEXT]


ENTRY = Entry(inputs={"channel": CHANNEL, "users": ["U0BEN", "U0CHI"], "text": TEXT}, check=told)
