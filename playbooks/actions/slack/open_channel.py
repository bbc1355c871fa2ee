"""`slack.open_channel`: the incident's channel."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, World, action
from playbooks.channel_names import channel_name
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.slack import Channel, Slack, SlackReads
from playbooks.errors import Refused

MOST_NAMES = 20
CLOCK_SLACK_S = 120.0  # Slack's clock and the database's may differ; the number in the name keeps others out


class Opened(Outputs):
    """The channel as Slack made it."""

    channel_id: str = Field(description="Slack's id of the channel")
    channel_name: str = Field(description="Name without '#', as Slack keeps it")


@action(
    "slack.open_channel",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("slack:channels:manage", "slack:groups:write", "slack:channels:read", "slack:groups:read"),
    facts={"channel": "channel_id", "channel_name": "channel_name"},
    result=Opened,
)
class OpenChannel(Action):
    """Open an incident channel

    Example: {uses: slack.open_channel, with: {number: 42, title: checkout is down}}

    Any title gives a legal name; a taken one gets -2, -3 ... An existing channel is never reused, and a private channel
    never becomes a public one because the workspace forbids private ones.
    """

    number: int = Field(description="Number of the incident, 42 for INC-42", ge=0)
    title: str = Field(description="Title of the incident, in any script")
    private: bool = Field(default=False, description="Only invited people see it")
    secret_name: bool = Field(default=False, description="Leave the title out of the name (inc-42-restricted)")
    prefix: str = Field(default="inc", description="First word of the name", min_length=1, max_length=20)

    why_no_undo = "What people wrote in a channel stays; archive it when the incident is over."

    def _name(self, copy: int = 1) -> str:
        return channel_name(self.number, self.title, secret=self.secret_name, prefix=self.prefix, copy=copy)

    async def plan(self, world: World) -> Plan:
        """Says the name; whether it is free shows only when it is made."""
        world.use(SlackReads)
        kind = "private" if self.private else "public"
        return Plan(targets=(f"slack:#{self._name()}",), effect=f"Open the {kind} channel #{self._name()}")

    async def run(self, act: Act) -> Opened:
        """Create it under the first free name."""
        slack = act.use(Slack)
        for copy in range(1, MOST_NAMES + 1):
            try:
                return _opened(await slack.open_channel(self._name(copy), private=self.private))
            except ServiceRefused as error:
                if error.code != "name_taken":
                    raise
        raise Refused(
            f"Slack has {MOST_NAMES} channels named #{self._name()} already; none was opened.",
            todo="Open a channel by hand and link it to the incident.",
        )

    async def reconcile(self, world: World) -> Found:
        """Looks for a channel of this incident that the bot made since the step began."""
        since = (world.started_at or world.now).timestamp() - CLOCK_SLACK_S
        base = channel_name(self.number, "", prefix=self.prefix)
        try:
            made = await world.use(SlackReads).channels_created(base, since)
        except Refused as error:
            return Found(happened=None, evidence=f"Slack does not let me look: {error}")
        names = {self._name(copy) for copy in range(1, MOST_NAMES + 1)}
        mine = [one for one in made if one.name in names and one.is_private == self.private]
        if not mine:
            return Found(happened=False, evidence=f"The bot has made no channel #{self._name()} since then.")
        return Found(happened=True, evidence=f"The bot made #{mine[0].name} since then.", outputs=_opened(mine[0]))

    def say(self, done: Opened) -> str:
        """#name is open."""
        return f"#{done.channel_name} is open"


def _opened(channel: Channel) -> Opened:
    return Opened(channel_id=channel.id, channel_name=channel.name)
