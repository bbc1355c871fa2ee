"""`slack.archive`: close the channel for good."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Nothing, Plan, Risk, Seen, World, action
from playbooks.connectors.slack import Slack, SlackReads


@action(
    "slack.archive",
    risk=Risk.WRITE,
    again=Again.KEYED,  # an archived channel stays archived
    needs=("slack:channels:manage", "slack:groups:write", "slack:channels:read", "slack:groups:read"),
)
class Archive(Action):
    """Archive a channel

    Example: {uses: slack.archive, with: {channel: C0123}}
    """

    channel: str = Field(description="Id of the channel")

    why_no_undo = "Slack lets no bot unarchive a channel; a person can."

    async def plan(self, world: World) -> Plan:
        """Says which channel, by its name."""
        channel = await world.use(SlackReads).channel_info(self.channel)
        return Plan(
            targets=(f"slack:{self.channel}",),
            effect=f"Archive #{channel.name}",
            warnings=("Only a person can unarchive it.",),
            notes=("It is archived already.",) if channel.is_archived else (),
        )

    async def run(self, act: Act) -> Nothing:
        """Archive it."""
        await act.use(Slack).archive(self.channel)
        return Nothing()

    async def verify(self, world: World, done: Nothing) -> Seen:
        """Slack calls it archived."""
        channel = await world.use(SlackReads).channel_info(self.channel)
        return Seen(ok=True if channel.is_archived else None, text=f"#{channel.name} is archived" if channel.is_archived
                    else f"#{channel.name} is not archived yet")  # fmt: skip

    def say(self, done: Nothing) -> str:
        """Archived."""
        return f"Channel {self.channel} archived"
