"""`record.anchor_slack`: heads of the timeline as a message that nobody of Muster's database can change."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, World, action
from playbooks.actions.heads import Heads, words
from playbooks.connectors.slack import Slack, SlackReads
from playbooks.errors import Refused
from playbooks.ports import Record

EVENT = "muster_step"
CLOCK_SLACK_S = 120.0


class Anchored(Outputs):
    """Where the message is."""

    ref: str = Field(description="Channel and timestamp, C0123/1763….000100")


@action(
    "record.anchor_slack",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("slack:chat:write", "slack:channels:read", "slack:channels:history", "slack:groups:history"),
    result=Anchored,
)
class AnchorSlack(Action):
    """Anchor the record in Slack

    Example: {uses: record.anchor_slack, with: {channel: "#record", heads: ["INC-42@41:sha256:\
9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c"]}}
    """

    channel: str = Field(description="The channel, '#name' or its id; Muster must be a member")
    heads: Heads

    why_no_undo = "An anchor that can be taken back proves nothing."

    async def plan(self, world: World) -> Plan:
        """Says which heads go where."""
        world.use(SlackReads)
        return Plan(targets=(f"slack:{self.channel}",), effect=f"Post to {self.channel}: {words(self.heads)}")

    async def run(self, act: Act) -> Anchored:
        """One message with all of them, marked with our key."""
        await act.use(Record).holds(self.heads)  # type: ignore[type-abstract]
        lines = [f"⚓ {words((head,)).replace(' at ', ' anchored at ')}: `{head}`" for head in self.heads]
        mark = {"event_type": EVENT, "event_payload": {"key": act.key}}
        message = await act.use(Slack).post(self.channel, "\n".join(lines), metadata=mark)
        return Anchored(ref=f"{message.channel}/{message.ts}")

    async def reconcile(self, world: World) -> Found:
        """Looks for our key in the metadata of the channel's messages."""
        slack = world.use(SlackReads)
        since = (world.started_at or world.now).timestamp() - CLOCK_SLACK_S
        try:
            channel = await self._id(slack)
            message = await slack.find_by_metadata(channel, EVENT, world.key, since) if channel else None
        except Refused as error:
            return Found(happened=None, evidence=f"Slack does not let me look: {error}")
        if not channel:
            return Found(happened=None, evidence=f"I am no member of {self.channel} and cannot look there.")
        if message is None:
            return Found(happened=False, evidence="The channel holds no message with this step's key.")
        done = Anchored(ref=f"{message.channel}/{message.ts}")
        return Found(happened=True, evidence=f"The message is there ({message.ts}).", outputs=done)

    async def _id(self, slack: SlackReads) -> str:
        if not self.channel.startswith("#"):
            return self.channel
        joined = await slack.channels_joined()
        return next((one.id for one in joined if one.name == self.channel.removeprefix("#")), "")

    def say(self, done: Anchored) -> str:
        """Where which heads are anchored."""
        return f"Anchored in {self.channel}: {words(self.heads)}"
