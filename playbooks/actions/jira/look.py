"""`jira.look`: which issues are done."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.jira import JiraReads

HIDDEN = ("403", "404", "410")  # Jira says 404 for what was deleted, moved away or is not shown to us


class Looked(Outputs):
    """How they stand, by key."""

    done: list[str] = Field(description="Those whose status is of the category done")
    open: list[str] = Field(description="Those somebody has yet to finish")
    gone: list[str] = Field(description="Those Jira does not show: deleted, or not ours to see")


@action("jira.look", risk=Risk.READ, again=Again.SAFE, needs=("jira:read",), result=Looked)
class Look(Action):
    """See which Jira issues are done

    Example: {uses: jira.look, with: {tickets: [OPS-12, OPS-13]}}

    Done is what Jira's status category says, whatever a project calls its last column.
    """

    tickets: list[str] = Field(description="Their keys", min_length=1, max_length=100)

    async def look(self, world: World) -> Looked:
        """Ask for each of them."""
        jira, found = world.use(JiraReads), Looked(done=[], open=[], gone=[])
        for key in self.tickets:
            try:
                issue = await jira.issue(key)
            except ServiceRefused as no:
                if no.code not in HIDDEN:
                    raise
                found.gone.append(key)
                continue
            (found.done if issue.done else found.open).append(key)
        return found

    def say(self, done: Looked) -> str:
        """How many of each."""
        gone = f", {len(done.gone)} gone" if done.gone else ""
        return f"{len(done.done)} done, {len(done.open)} open{gone}"
