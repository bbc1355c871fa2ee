"""`comms/contacts`: each contact of the policy, once, with every way to reach it."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage


async def posted(stage: Stage) -> None:
    (said,) = [text for text in stage.posts(CHANNEL) if "Whom to call" in text]
    lines = said.splitlines()
    assert len(lines) == 1 + len(stage.policy.contacts)
    marqeta = next(line for line in lines if "Marqeta" in line)
    assert "(card processing)" in marqeta and "+1-888-555-0199" in marqeta and "support@marqeta.com" in marqeta


ENTRY = Entry(check=posted)
