"""`slack.user_group`: who is in a user group now."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict, Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.connectors.slack import SlackReads, SlackUser

AT_ONCE = 5


class Member(BaseModel):
    """One of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(description="Slack user id")
    name: str = Field(description="As people see it")
    email: str = Field(description="E-mail, empty where the app may not see it")
    guest: bool = Field(description="Whether it is a guest or from another workspace: these approve nothing")


class Members(Outputs):
    """The group as it is now."""

    group: str = Field(description="Slack's id of the group")
    handle: str = Field(description="Its handle, without @")
    members: tuple[Member, ...] = Field(description="Active people, in the group's order")
    ids: tuple[str, ...] = Field(description="Their Slack ids, for slack.invite")
    left_out: int = Field(description="Members who are deactivated or no people")
    more: int = Field(description="Members that were not looked at because of `most`")


@action(
    "slack.user_group",
    risk=Risk.READ,
    again=Again.SAFE,
    needs=("slack:usergroups:read", "slack:users:read", "slack:users:read.email"),
    result=Members,
)
class UserGroupNow(Action):
    """See who is in a user group

    Example: {uses: slack.user_group, with: {group: sre}}

    Deactivated accounts and apps are left out. A group without anybody is an answer; one that Slack does not know, or
    that was disabled, is refused.
    """

    group: str = Field(description='Handle or id of the group: "sre", "@sre", "S0SRE"', min_length=1)
    most: int = Field(default=50, description="How many members are looked at", ge=1, le=100)

    timeout_s = 60.0

    async def look(self, world: World) -> Members:
        """Ask Slack now, a few members at a time."""
        slack = world.use(SlackReads)
        group = await slack.usergroup(self.group)
        asked = group.users[: self.most]
        found: list[SlackUser] = []
        for start in range(0, len(asked), AT_ONCE):
            found += await asyncio.gather(*(slack.user(one) for one in asked[start : start + AT_ONCE]))
        active = [one for one in found if not one.deleted and not one.is_bot]
        members = tuple(
            Member(id=one.id, name=one.real_name, email=one.email, guest=one.is_guest or one.is_stranger)
            for one in active
        )
        return Members(
            group=group.id, handle=group.handle, members=members, ids=tuple(one.id for one in active),
            left_out=len(found) - len(active), more=len(group.users) - len(asked),
        )  # fmt: skip

    def say(self, done: Members) -> str:
        """How many, and who."""
        names = ", ".join(one.name for one in done.members[:10]) or "nobody"
        rest = f" and {len(done.members) - 10} more" if len(done.members) > 10 else ""
        gone = f"; {done.left_out} deactivated or apps left out" if done.left_out else ""
        unseen = f"; {done.more} not looked at" if done.more else ""
        return f"@{done.handle}: {names}{rest}{gone}{unseen}"
