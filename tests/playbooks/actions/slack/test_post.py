"""`slack.post`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.slack.post import Post
from playbooks.connectors.slack import Slack
from playbooks.errors import Refused, Temporary, Uncertain

STEP = Post(channel="C0INCIDENTS", text="Failing over *orders-db*.")


async def test_it_posts_with_its_key(act: Any, world: Any, slack: Slack, sb: SandboxClient) -> None:
    assert (await STEP.plan(world(slack))).effect == "Post to C0INCIDENTS: “Failing over *orders-db*.”"
    done = await STEP.run(act(slack, key="k1"))
    message = (await sb.messages("incidents"))[-1]
    assert (message.ts, message.text) == (done.ts, STEP.text)
    assert message.metadata == {"event_type": "muster_step", "event_payload": {"key": "k1"}}
    assert STEP.say(done) == "Posted: Failing over *orders-db*."


@pytest.mark.parametrize(
    ("mode", "happened"),
    [("timeout_after", True), ("close_after", True), ("timeout_before", False), ("500", False), ("reset", False)],
)
async def test_reconcile_knows(
    act: Any, world: Any, slack: Slack, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await STEP.run(act(slack, key="another"))
    await sb.fail("slack", "chat.postMessage", mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(slack, key="k1"))
    found = await STEP.reconcile(world(slack, key="k1"))
    assert found.happened is happened
    if happened:
        assert found.outputs.ts == (await sb.messages("incidents"))[-1].ts
    assert len(await sb.messages("incidents")) == 1 + happened


async def test_where_it_cannot_look_it_cannot_tell(world: Any, slack: Slack, sb: SandboxClient) -> None:
    await sb.fail("slack", "conversations.history", "missing_scope")
    assert (await STEP.reconcile(world(slack))).happened is None
    assert (await Post(channel="#incidents", text="x").reconcile(world(slack))).happened is None


async def test_429_and_refusal(act: Any, slack: Slack, sb: SandboxClient) -> None:
    await sb.fail("slack", "chat.postMessage", "missing_scope")
    with pytest.raises(Refused):
        await STEP.run(act(slack))
    await sb.fail("slack", "chat.postMessage", "429")
    with pytest.raises(Temporary):
        await STEP.run(act(slack))
    assert await sb.messages("incidents") == []
