"""`slack.upload_file`: share a kept document in a channel."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, World, action
from playbooks.actions.kept import kept
from playbooks.connectors.slack import Slack, SlackReads
from playbooks.errors import Refused

CLOCK_SLACK_S = 120.0


class Uploaded(Outputs):
    """The shared file."""

    file_id: str = Field(description="Slack's id of the file")
    name: str = Field(description="File name as people see it")
    permalink: str = Field(description="Address of the file, empty when Slack gave none")


@action(
    "slack.upload_file",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("slack:files:write", "slack:channels:history", "slack:groups:history"),
    result=Uploaded,
)
class UploadFile(Action):
    """Share a document

    Example: {uses: slack.upload_file, with: {channel: C0123, document: doc-7, title: Post-mortem of INC-42}}
    """

    channel: str = Field(description="Id of the channel, or of a person, who gets it as a direct message")
    document: str = Field(description="Id of a document kept for this incident (an output of post_mortem.draft)")
    title: str = Field(default="", description="Title in Slack; else the document's name")

    why_no_undo = "A file people have opened cannot be taken back; it can be deleted by hand."

    async def plan(self, world: World) -> Plan:
        """Says which file; refuses when the incident has no such document."""
        world.use(SlackReads)
        document = await kept(world, self.document)
        effect = f"Upload {document.name} (sha256 {document.sha256[:12]}) to {self.channel}"
        return Plan(targets=(f"slack:{self.channel}",), effect=effect)

    async def run(self, act: Act) -> Uploaded:
        """Upload and share it."""
        document = await kept(act, self.document)
        title, slack = self.title or document.name, act.use(Slack)
        channel = await slack.open_dm(self.channel) if self._direct else self.channel
        file = await slack.upload(channel, document.name, document.body.encode(), title=title)
        return Uploaded(file_id=file.id, name=document.name, permalink=file.permalink)

    async def reconcile(self, world: World) -> Found:
        """Looks for a file of this name and title shared by the bot in the channel since the step began."""
        if self._direct:
            return Found(happened=None, evidence="I do not look into direct messages.")
        since = (world.started_at or world.now).timestamp() - CLOCK_SLACK_S
        slack = world.use(SlackReads)
        document = await kept(world, self.document)
        title = self.title or document.name
        try:
            file = await slack.shared_file(self.channel, document.name, title, since)
        except Refused as error:
            return Found(happened=None, evidence=f"Slack does not let me look: {error}")
        if file is not None:
            done = Uploaded(file_id=file.id, name=document.name, permalink=file.permalink)
            return Found(happened=True, evidence=f"{document.name} is shared in the channel.", outputs=done)
        return Found(happened=False, evidence=f"The channel holds no {document.name} since then.")

    @property
    def _direct(self) -> bool:
        """Whether it goes to one person."""
        return self.channel[:1] in ("U", "W")

    def say(self, done: Uploaded) -> str:
        """Shared name."""
        return f"Shared {done.name}"
