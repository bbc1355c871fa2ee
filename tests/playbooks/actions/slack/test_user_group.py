"""`slack.user_group`: active people, by handle or id, and never more than asked."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.actions.slack.user_group import UserGroupNow
from playbooks.connectors.slack import Slack
from playbooks.errors import Refused, Temporary

STEP = UserGroupNow(group="@sre")


async def test_who_is_deactivated_or_an_app_is_left_out(world: Any, slack: Slack, sb: SandboxClient) -> None:
    await sb.group("sre", add=["U0EVE", "U0MUSTER", "U0GUS"])
    await sb.user("U0EVE", deleted=True)
    seen = await STEP.look(world(slack))
    assert [(one.id, one.name, one.email, one.guest) for one in seen.members] == [
        ("U0BEN", "Ben", "ben@example.com", False), ("U0CHI", "Chi", "chi@example.com", False),
        ("U0GUS", "Gus", "gus@example.com", True),
    ]  # fmt: skip
    assert (seen.group, seen.handle, seen.left_out, seen.more) == ("S0SRE", "sre", 2, 0)
    assert STEP.say(seen) == "@sre: Ben, Chi, Gus; 2 deactivated or apps left out"
    assert (await UserGroupNow(group="S0SRE").look(world(slack))).ids == ("U0BEN", "U0CHI", "U0GUS")
    before = len(await sb.calls("slack", "users.info"))
    few = await UserGroupNow(group="sre", most=1).look(world(slack))
    assert (few.ids, few.more) == (("U0BEN",), 4) and "4 not looked at" in STEP.say(few)
    assert len(await sb.calls("slack", "users.info")) == before + 1


async def test_no_such_group_and_a_busy_slack(world: Any, slack: Slack, sandbox: Sandbox, sb: SandboxClient) -> None:
    with pytest.raises(Refused, match="no user group @nobody"):
        await UserGroupNow(group="nobody").look(world(slack))
    sandbox.world.groups["S0SRE"].disabled = True
    with pytest.raises(Refused, match="no user group @sre"):
        await STEP.look(world(slack))
    await sb.fail("slack", "usergroups.list", "429")
    with pytest.raises(Temporary):
        await STEP.look(world(slack))
