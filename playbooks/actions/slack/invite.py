"""`slack.invite`: bring people into the channel."""

from __future__ import annotations

from pydantic import Field, model_validator

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, World, action
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.slack import Slack, SlackReads

WORDS = {
    "user_not_found": "no such person here", "user_is_restricted": "a guest",
    "ura_max_channels": "a guest of one channel",
    "user_is_ultra_restricted": "a guest of one channel", "user_disabled": "deactivated",
    "no_external_invite_permission": "from another workspace", "org_user_not_in_team": "not in this workspace",
}  # fmt: skip

KNOWN_S = 900.0
"""How old the list of a group's members may be for an invitation; nobody waits for a look-up in an outage."""


class InvitedPeople(Outputs):
    """Who is in, and who is not and why."""

    invited: tuple[str, ...] = Field(description="User ids now in the channel")
    not_invited: tuple[str, ...] = Field(description='One line per person or group left out: "U0GUS: a guest"')


@action(
    "slack.invite",
    risk=Risk.WRITE,
    again=Again.KEYED,  # who is in already stays in
    needs=("slack:channels:manage", "slack:groups:write", "slack:usergroups:read"),
    result=InvitedPeople,
)
class Invite(Action):
    """Invite people to a channel

    Example: {uses: slack.invite, with: {channel: C0123, users: [U0BEN], groups: [sre]}}

    Somebody who cannot be invited is reported and keeps nobody else out.
    """

    channel: str = Field(description="Id of the channel")
    users: list[str] = Field(default=[], description="User ids")
    groups: list[str] = Field(default=[], description="Handles or ids of user groups")
    fresh: bool = Field(default=False, description="Look the groups up now, as private channels need it")

    why_no_undo = "They may have read the channel; somebody can remove them by hand."

    @model_validator(mode="after")
    def _somebody(self) -> Invite:
        if not self.users and not self.groups:
            raise ValueError("name at least one of users or groups")
        return self

    async def plan(self, world: World) -> Plan:
        """Says whom, by the names given."""
        world.use(SlackReads)
        whom = ", ".join([*self.users, *(f"@{group.removeprefix('@')}" for group in self.groups)])
        return Plan(targets=(f"slack:{self.channel}",), effect=f"Invite {whom} to {self.channel}")

    async def run(self, act: Act) -> InvitedPeople:
        """Look up the groups, invite everybody once."""
        slack = act.use(Slack)
        people, problems = list(self.users), []
        for group in self.groups:
            try:
                people += await slack.usergroup_members(group, max_age_s=0.0 if self.fresh else KNOWN_S)
            except ServiceRefused as error:
                problems.append(f"@{group.removeprefix('@')}: {error.code}")
        if not people and problems:
            return InvitedPeople(invited=(), not_invited=tuple(problems))
        done = await slack.invite(self.channel, people)
        problems += [f"{user}: {WORDS.get(code, code)}" for user, code in done.failed.items()]
        return InvitedPeople(invited=done.invited, not_invited=tuple(problems))

    def say(self, done: InvitedPeople) -> str:
        """How many are in, and who is not."""
        left = f"; not invited: {', '.join(done.not_invited)}" if done.not_invited else ""
        return f"{len(done.invited)} invited{left}"
