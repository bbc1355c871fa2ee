"""`slack.set_topic`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.slack.set_topic import SetTopic
from playbooks.connectors.slack import Slack
from playbooks.errors import Refused, Temporary, Uncertain


async def test_a_long_topic_is_cut_at_250(act: Any, world: Any, slack: Slack) -> None:
    channel = (await slack.open_channel("inc-1")).id
    step = SetTopic(channel=channel, topic="sev1\n" + "x" * 300)
    done = await step.run(act(slack))
    assert len(done.topic) == 250 and done.topic.startswith("sev1 xx") and done.topic.endswith("…")
    assert (await slack.channel_info(channel)).topic == done.topic
    assert done.topic in (await step.plan(world(slack))).effect and done.topic in step.say(done)


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("500", Uncertain), ("timeout_after", Uncertain),
                                            ("missing_scope", Refused)])  # fmt: skip
async def test_failures(act: Any, slack: Slack, sb: SandboxClient, mode: str, kind: type[Exception]) -> None:
    channel = (await slack.open_channel("inc-1")).id
    await sb.fail("slack", "conversations.setTopic", mode)
    with pytest.raises(kind):
        await SetTopic(channel=channel, topic="a").run(act(slack))


async def test_doing_it_again_changes_nothing(act: Any, slack: Slack, sb: SandboxClient) -> None:
    channel = (await slack.open_channel("inc-1")).id
    for _ in range(2):
        await SetTopic(channel=channel, topic="a").run(act(slack))
    assert sum("set the channel topic" in m.plain for m in await sb.messages("inc-1")) == 1
