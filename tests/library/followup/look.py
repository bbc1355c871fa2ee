"""`followup/look`: reads how issues stand, and changes nothing."""

from __future__ import annotations

from playbooks.connectors.jira import Jira
from tests.library.entry import Entry
from tests.library.stage import Stage


async def made(stage: Stage) -> None:
    """An issue somebody has finished."""
    await stage.tool(Jira).create("alarm on lag", "", kind="Task", markers=["INC-1/f1"])
    stage.sandbox.jira.move("OPS-1", "Done")


async def untouched(stage: Stage) -> None:
    """It is still the one issue."""
    (issue,) = stage.sandbox.jira.issues.values()
    assert issue["fields"]["status"]["name"] == "Done"


ENTRY = Entry(prepare=made, inputs={"tickets": "OPS-1"}, check=untouched)
