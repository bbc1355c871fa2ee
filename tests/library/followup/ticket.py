"""`followup/ticket`: one issue of the follow-up, with the incident's address; the incident's own ticket is another."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def made(stage: Stage) -> None:
    (issue,) = stage.sandbox.jira.issues.values()
    assert issue["fields"]["summary"] == "alarm on lag" and issue["fields"]["duedate"] == "2026-12-04"
    assert "follow-up f1 of INC-1" in issue["fields"]["description"]
    assert "/incidents/INC-1" in issue["fields"]["description"]


ENTRY = Entry(inputs={"followup": "f1", "what": "alarm on lag", "owner": "Ben", "due": "2026-12-04"}, check=made)
