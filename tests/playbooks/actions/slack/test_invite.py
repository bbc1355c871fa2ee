"""`slack.invite`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from playbooks.actions.slack.invite import Invite
from playbooks.connectors.slack import Slack
from playbooks.errors import Refused, Temporary, Uncertain


async def test_people_and_groups_come_in_and_the_rest_is_said(act: Any, world: Any, slack: Slack) -> None:
    channel = (await slack.open_channel("inc-1")).id
    step = Invite(channel=channel, users=["U0ANA", "U0GUS"], groups=["@sre", "nobody"])
    assert (await step.plan(world(slack))).effect == f"Invite U0ANA, U0GUS, @sre, @nobody to {channel}"
    done = await step.run(act(slack))
    assert set(done.invited) == {"U0ANA", "U0BEN", "U0CHI"}
    assert done.not_invited == ("@nobody: no_such_subteam", "U0GUS: a guest")
    assert step.say(done) == "3 invited; not invited: @nobody: no_such_subteam, U0GUS: a guest"
    again = await step.run(act(slack))
    assert set(again.invited) == {"U0ANA", "U0BEN", "U0CHI"}


async def test_only_an_unknown_group_invites_nobody(act: Any, slack: Slack) -> None:
    channel = (await slack.open_channel("inc-1")).id
    done = await Invite(channel=channel, groups=["nobody"]).run(act(slack))
    assert done.invited == () and done.not_invited


def test_it_needs_somebody() -> None:
    with pytest.raises(ValidationError, match="at least one"):
        Invite(channel="C1")


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("500", Uncertain), ("timeout_after", Uncertain),
                                            ("missing_scope", Refused)])  # fmt: skip
async def test_failures_and_repeating(
    act: Any, slack: Slack, sb: SandboxClient, mode: str, kind: type[Exception]
) -> None:
    channel = (await slack.open_channel("inc-1")).id
    await sb.fail("slack", "conversations.invite", mode)
    with pytest.raises(kind):
        await Invite(channel=channel, users=["U0BEN", "U0CHI"]).run(act(slack))
    if kind is Uncertain:
        assert set((await Invite(channel=channel, users=["U0BEN", "U0CHI"]).run(act(slack))).invited) == {
            "U0BEN",
            "U0CHI",
        }
