"""`jira.follow_up`: an issue for one thing that is to be done after an incident."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Again, Risk, action
from playbooks.actions.issues import Created, MakesIssue


@action("jira.follow_up", risk=Risk.WRITE, again=Again.NEVER, needs=("jira:read", "jira:write"), result=Created)
class FollowUp(MakesIssue):
    """Create a Jira issue for a follow-up

    Example: {uses: jira.follow_up, with: {summary: Alarm on lag, marker: INC-42/f1, due: "2026-12-04"}}

    An issue with the same marker is returned, and none is made twice. The incident's own ticket stays what it was.
    Where the project's screen has no due date, the issue is made without one.
    """

    due: str = Field(default="", description="Day it is due, YYYY-MM-DD", pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")

    def due_on(self) -> str:
        """As given."""
        return self.due
