"""`slack.post`: a message that will not be edited."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, World, action
from playbooks.connectors.slack import Slack, SlackReads
from playbooks.errors import Refused

EVENT = "muster_step"
CLOCK_SLACK_S = 120.0  # Slack's clock and the database's may differ; the key in the metadata is what decides


class Posted(Outputs):
    """Where the message is."""

    channel: str = Field(description="Id of the channel")
    ts: str = Field(description="Slack's timestamp of the message, its address in the channel")


@action(
    "slack.post",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("slack:chat:write", "slack:channels:history", "slack:groups:history"),
    result=Posted,
)
class Post(Action):
    """Post a message

    Example: {uses: slack.post, with: {channel: C0123, text: "Failing over orders-db."}}
    """

    channel: str = Field(description="Id of the channel, or '#name' of a public one")
    text: str = Field(description="Text in Slack's mrkdwn, at most 4000 characters", min_length=1, max_length=4000)

    why_no_undo = "A message people have read cannot be unread."

    async def plan(self, world: World) -> Plan:
        """Says the text."""
        world.use(SlackReads)
        return Plan(targets=(f"slack:{self.channel}",), effect=f"Post to {self.channel}: “{self.text}”")

    async def run(self, act: Act) -> Posted:
        """Post it, marked with our key."""
        mark = {"event_type": EVENT, "event_payload": {"key": act.key}}
        message = await act.use(Slack).post(self.channel, self.text, metadata=mark)
        return Posted(channel=message.channel, ts=message.ts)

    async def reconcile(self, world: World) -> Found:
        """Looks for our key in the metadata of the channel's messages."""
        if self.channel.startswith("#"):
            return Found(happened=None, evidence="A channel given by name cannot be read back; give its id.")
        since = (world.started_at or world.now).timestamp() - CLOCK_SLACK_S
        try:
            message = await world.use(SlackReads).find_by_metadata(self.channel, EVENT, world.key, since)
        except Refused as error:
            return Found(happened=None, evidence=f"Slack does not let me look: {error}")
        if message is None:
            return Found(happened=False, evidence="The channel holds no message with this step's key.")
        done = Posted(channel=message.channel, ts=message.ts)
        return Found(happened=True, evidence=f"The message is there ({message.ts}).", outputs=done)

    def say(self, done: Posted) -> str:
        """Posted: ..."""
        return f"Posted: {self.text if len(self.text) <= 120 else self.text[:119] + '…'}"
