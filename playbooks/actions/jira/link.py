"""`jira.link`: what a ticket belongs to."""

from __future__ import annotations

from pydantic import Field, model_validator

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.jira import Jira, JiraReads


class Linked(Outputs):
    """What was linked."""

    ticket: str = Field(description="The ticket")
    to: str = Field(description="The address or the other ticket")


@action("jira.link", risk=Risk.WRITE, again=Again.KEYED, needs=("jira:read", "jira:write"), result=Linked)
class Link(Action):
    """Link a Jira ticket

    Example: {uses: jira.link, with: {ticket: OPS-12, url: "https://muster.example.com/incidents/INC-42"}}

    To an address (shown on the ticket) or to another ticket. What is linked already is left alone, and Jira itself
    keeps one link for the same address or the same two tickets.
    """

    ticket: str = Field(description="The ticket", pattern=r"^[A-Z][A-Z0-9_]+-[0-9]+$")
    url: str = Field(default="", description="Address to show on it", pattern=r"^(https?://.*)?$")
    title: str = Field(default="", description="Words for that address", max_length=255)
    to: str = Field(default="", description="Another ticket", pattern=r"^([A-Z][A-Z0-9_]+-[0-9]+)?$")
    kind: str = Field(default="Relates", description="Name of the link's type", min_length=1)

    why_no_undo = "Remove the link in Jira."

    @model_validator(mode="after")
    def _one(self) -> Link:
        if bool(self.url) == bool(self.to):
            raise ValueError("a link goes to exactly one of url and to")
        return self

    async def plan(self, world: World) -> Plan:
        """What would be linked; Refused when there is no such ticket."""
        jira = world.use(JiraReads)
        for key in (self.ticket, self.to):
            if key:
                await jira.issue(key)
        how = f"{self.kind}: {self.to}" if self.to else self.url
        return Plan(targets=(f"jira:{self.ticket}",), effect=f"Link {self.ticket} to {how}")

    async def run(self, act: Act) -> Linked:
        """Link it, unless it is."""
        jira = act.use(Jira)
        if self.url:
            await jira.link_address(self.ticket, self.url, self.title or self.url)
        elif (self.kind, self.to) not in (await jira.issue(self.ticket)).links:
            await jira.link_issue(self.ticket, self.to, self.kind)
        return Linked(ticket=self.ticket, to=self.url or self.to)

    async def verify(self, world: World, done: Linked) -> Seen:
        """A link between tickets is seen; one to an address was answered by Jira."""
        seen = await world.use(JiraReads).issue(self.ticket)
        if self.to and (self.kind, self.to) not in seen.links:
            return Seen(ok=None, text=f"{self.ticket} is not linked to {self.to} yet")
        return Seen(ok=True, text=f"{self.ticket} is linked to {done.to}")

    def say(self, done: Linked) -> str:
        """What to what."""
        return f"{done.ticket} linked to {done.to}"
