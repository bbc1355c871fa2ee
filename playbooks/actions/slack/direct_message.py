"""`slack.direct_message`: tell people one by one."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, World, action
from playbooks.connectors.slack import Slack, SlackReads
from playbooks.errors import MusterError, Refused, Temporary, Uncertain

EVENT = "muster_step"
LOOK_BACK_S = 3600.0  # an attempt may have been begun some time before it is repeated


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
        """Send to each who has no message of this attempt yet. Trouble that may pass is raised, so that it is tried
        again for those; who refuses for good is reported, unless nobody was told."""
        slack, trouble = act.use(Slack), dict[str, MusterError]()
        told = await self._have(slack, act) if act.repeated else []
        mark = {"event_type": EVENT, "event_payload": {"key": act.key}}
        for user in [one for one in dict.fromkeys(self.users) if one not in told]:
            try:
                await slack.direct_message(user, self.text, metadata=mark)
                told.append(user)
            except (Temporary, Refused, Uncertain) as error:
                trouble[user] = error
        passing = [error for error in trouble.values() if isinstance(error, Uncertain | Temporary)]
        if passing:
            raise _passing(passing, len(told))
        if not told and trouble:
            raise next(iter(trouble.values()))
        ordered = tuple(user for user in dict.fromkeys(self.users) if user in told)
        return Told(told=ordered, not_told=tuple(f"{user}: {error.message}" for user, error in trouble.items()))

    async def reconcile(self, world: World) -> Found:
        """Looks for our key in each direct conversation."""
        try:
            told = await self._have(world.use(SlackReads), world)
        except Refused as error:
            return Found(happened=None, evidence=f"Slack does not let me look: {error}")
        if not told:
            return Found(happened=False, evidence="Nobody has a message with this step's key.")
        evidence = f"{len(told)} of {len(set(self.users))} have the message."
        if len(told) < len(set(self.users)):  # the repeat writes to the others alone
            return Found(happened=False, evidence=evidence)
        return Found(happened=True, evidence=evidence, outputs=Told(told=tuple(told), not_told=()))

    async def _have(self, slack: SlackReads, world: World) -> list[str]:
        """Who has a message with this attempt's key."""
        since = (world.started_at or world.now).timestamp() - LOOK_BACK_S
        places = await slack.direct_channels()
        there = [user for user in dict.fromkeys(self.users) if user in places]
        return [user for user in there if await slack.find_by_metadata(places[user], EVENT, world.key, since)]

    def say(self, done: Told) -> str:
        """How many were told, and who was not."""
        left = f"; not told: {', '.join(done.not_told)}" if done.not_told else ""
        return f"{len(done.told)} told{left}"


def _passing(errors: list[Temporary | Uncertain], told: int) -> MusterError:
    """What to raise for those who may still be told: uncertain before temporary, saying how many others were."""
    first = next((error for error in errors if isinstance(error, Uncertain)), errors[0])
    words = f"{told} told, {len(errors)} not yet: {first.message}" if told or len(errors) > 1 else first.message
    if isinstance(first, Uncertain):
        return Uncertain(words, todo=first.todo)
    waits = [error.retry_after for error in errors if isinstance(error, Temporary) and error.retry_after is not None]
    return Temporary(words, retry_after=max(waits, default=None), todo=first.todo)
