"""`jira.create`: a ticket."""

from __future__ import annotations

from playbooks.action import Again, Risk, action
from playbooks.actions.issues import Created, MakesIssue


@action(
    "jira.create",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("jira:read", "jira:write"),
    facts={"ticket": "ticket", "ticket_url": "url"},
    result=Created,
)
class Create(MakesIssue):
    """Create a Jira ticket

    Example: {uses: jira.create, with: {summary: Checkout is slow, description: See INC-42., marker: INC-42}}

    An issue with the same marker (as a label) is returned, and none is made twice.
    """
