"""`slack.direct_message`: tell people one by one."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, World, action
from playbooks.connectors.slack import Slack, SlackReads
from playbooks.errors import MusterError, Refused, Temporary, Uncertain

EVENT = "muster_step"
CLOCK_SLACK_S = 120.0


class Told(Outputs):
    """Who was told, and who was not and why."""

    told: tuple[str, ...] = Field(description="User ids who have the message")
    not_told: tuple[str, ...] = Field(description='One line per person without it: "U0ZED: user_not_found"')


@action(
    "slack.direct_message",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("slack:chat:write", "slack:im:write", "slack:im:history"),
    result=Told,
)
class DirectMessage(Action):
    """Send direct messages

    Example: {uses: slack.direct_message, with: {users: [U0DOV], text: "You lead communications on INC-42."}}

    Somebody who cannot be reached is reported and keeps nobody else uninformed.
    """

    users: list[str] = Field(description="User ids", min_length=1)
    text: str = Field(description="Text in Slack's mrkdwn, at most 4000 characters", min_length=1, max_length=4000)

    why_no_undo = "A message people have read cannot be unread."

    async def plan(self, world: World) -> Plan:
        """Says whom and what."""
        world.use(SlackReads)
        targets = tuple(f"slack:{user}" for user in self.users)
        return Plan(targets=targets, effect=f"Send {', '.join(self.users)} a direct message: “{self.text}”")

    async def run(self, act: Act) -> Told:
        """Send to each. Fails as a whole only when nobody was told; the first trouble then says why."""
        slack, told, trouble = act.use(Slack), [], dict[str, MusterError]()
        mark = {"event_type": EVENT, "event_payload": {"key": act.key}}
        for user in dict.fromkeys(self.users):
            try:
                await slack.direct_message(user, self.text, metadata=mark)
                told.append(user)
            except (Temporary, Refused, Uncertain) as error:
                trouble[user] = error
        unsure = [error for error in trouble.values() if isinstance(error, Uncertain)]
        if not told and trouble:
            raise next(iter(unsure or trouble.values()))
        return Told(told=tuple(told), not_told=tuple(f"{user}: {error.message}" for user, error in trouble.items()))

    async def reconcile(self, world: World) -> Found:
        """Looks for our key in each direct conversation."""
        since = (world.started_at or world.now).timestamp() - CLOCK_SLACK_S
        slack, told = world.use(SlackReads), []
        try:
            places = await slack.direct_channels()
            for user in dict.fromkeys(self.users):
                if user in places and await slack.find_by_metadata(places[user], EVENT, world.key, since):
                    told.append(user)
        except Refused as error:
            return Found(happened=None, evidence=f"Slack does not let me look: {error}")
        if not told:
            return Found(happened=False, evidence="Nobody has a message with this step's key.")
        missing = tuple(f"{user}: has no message" for user in self.users if user not in told)
        evidence = f"{len(told)} of {len(set(self.users))} have the message."
        return Found(happened=True, evidence=evidence, outputs=Told(told=tuple(told), not_told=missing))

    def say(self, done: Told) -> str:
        """How many were told, and who was not."""
        left = f"; not told: {', '.join(done.not_told)}" if done.not_told else ""
        return f"{len(done.told)} told{left}"
