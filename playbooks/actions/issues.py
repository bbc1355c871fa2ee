"""What the actions that make an issue in Jira share: one issue per marker, found again after a lost answer.

Belongs here: the parameters, plan, run, verify and reconcile of making an issue. Does not belong here: an action of its
own (jira/create.py, jira/follow_up.py), which facts an incident keeps of it.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from playbooks.action import Act, Action, Found, Outputs, Plan, Seen, World
from playbooks.connectors.jira import Issue, Jira, JiraReads

LONGEST = 255  # characters of a summary
SETTLED_S = 30.0  # Jira's search index follows within seconds


class Created(Outputs):
    """The ticket."""

    ticket: str = Field(description="Its key (OPS-12)")
    url: str = Field(description="Where people see it")


class MakesIssue(Action):
    """Makes an issue, or returns the one with the same marker (as a label)."""

    summary: str = Field(description="Its first line; what is longer than Jira takes is cut", min_length=1)
    description: str = Field(default="", description="What it is about", max_length=30000)
    marker: str = Field(description="Our own mark, the incident's id; its digest is put on the issue as a label",
                        min_length=1, max_length=200)  # fmt: skip
    kind: str = Field(default="Task", description="Issue type by name", min_length=1)
    labels: list[str] = Field(default=[], description="More labels, without spaces")

    def due_on(self) -> str:
        """The day it is due, YYYY-MM-DD; "" for none."""
        return ""

    @field_validator("summary")
    @classmethod
    def _one_line(cls, value: str) -> str:
        line = " ".join(value.split())
        return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"

    why_no_undo = "People may work on it already; close it in Jira."

    async def plan(self, world: World) -> Plan:
        """In which project; or that it is there already."""
        jira = world.use(JiraReads)
        there = await jira.find(self.marker)
        noted = (f"{there.key} has this marker already; it is returned.",) if there else ()
        effect = f"Create a {self.kind} in Jira {jira.project}: {self.summary}"
        return Plan(targets=(f"jira:{jira.project}",), effect=effect, notes=noted)

    async def run(self, act: Act) -> Created:
        """Look for our marker, then create."""
        jira = act.use(Jira)
        there = await jira.find(self.marker, act.key)
        made = there or await jira.create(
            self.summary, self.description, kind=self.kind, markers=(self.marker, act.key), labels=self.labels,
            due=self.due_on(),
        )  # fmt: skip
        return _created(made)

    async def verify(self, world: World, done: Created) -> Seen:
        """Jira shows it."""
        seen = await world.use(JiraReads).issue(done.ticket)
        return Seen(ok=True, text=f"{seen.key} is {seen.status or 'there'}: {seen.summary}")

    async def reconcile(self, world: World) -> Found:
        """Looks for our labels; while the index may be behind, it cannot tell."""
        there = await world.use(JiraReads).find(world.key, self.marker)
        if there is not None:
            return Found(True, f"Jira has it: {there.key}.", _created(there))
        waited = (world.now - world.started_at).total_seconds() if world.started_at else 0.0
        if waited < SETTLED_S:
            return Found(None, f"Jira's search has no issue of ours {waited:.0f} s after the start; too early.")
        return Found(False, f"Jira has no issue of ours, {waited:.0f} s after the start.")

    def say(self, done: Created) -> str:
        """Key and address."""
        return f"{done.ticket}: {done.url}"


def _created(issue: Issue) -> Created:
    return Created(ticket=issue.key, url=issue.url)
