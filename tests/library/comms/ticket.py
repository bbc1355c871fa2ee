"""`comms/ticket`: one ticket in Jira, and the channel knows it."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage


async def made(stage: Stage) -> None:
    (issue,) = stage.sandbox.jira.issues.values()
    assert issue["fields"]["summary"] == "INC-1 · sev1 · checkout is down"
    assert any(f"Ticket {issue['key']}" in text for text in stage.posts(CHANNEL))


ENTRY = Entry(check=made)
