"""`slack.set_topic`: the line at the top of the channel."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, World, action
from playbooks.connectors.slack import Slack, SlackReads

ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
MOST = 250  # contract A9: longer is refused with too_long


class Topic(Outputs):
    """The topic as Slack keeps it."""

    topic: str = Field(description="The topic now")


@action(
    "slack.set_topic",
    risk=Risk.WRITE,
    again=Again.KEYED,  # the same topic twice is the same topic
    needs=("slack:channels:manage", "slack:groups:write"),
    result=Topic,
)
class SetTopic(Action):
    """Set a channel's topic

    Example: {uses: slack.set_topic, with: {channel: C0123, topic: sev1 checkout is down}}
    """

    channel: str = Field(description="Id of the channel")
    topic: str = Field(description="Text without formatting or links; cut at 250 characters")

    why_no_undo = "Setting another topic replaces it."

    def _cut(self) -> str:
        """One line, escaped as all text for Slack: a typed <!channel> mentions nobody. The limit counts the escapes."""
        line = " ".join(self.topic.split())
        pieces = [ESCAPES.get(char, char) for char in line]
        if sum(map(len, pieces)) <= MOST:
            return "".join(pieces)
        while sum(map(len, pieces)) > MOST - 1:
            pieces.pop()
        return "".join(pieces) + "…"

    async def plan(self, world: World) -> Plan:
        """Says the topic."""
        world.use(SlackReads)
        return Plan(targets=(f"slack:{self.channel}",), effect=f"Set the topic of {self.channel} to “{self._cut()}”")

    async def run(self, act: Act) -> Topic:
        """Set it."""
        return Topic(topic=await act.use(Slack).set_topic(self.channel, self._cut()))

    def say(self, done: Topic) -> str:
        """Topic: ..."""
        return f"Topic: {done.topic}"
