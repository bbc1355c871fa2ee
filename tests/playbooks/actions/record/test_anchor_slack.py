"""`record.anchor_slack`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.record.anchor_slack import AnchorSlack
from playbooks.connectors.slack import Slack
from playbooks.errors import Refused, Uncertain

HEADS = ("INC-42@41:sha256:" + "a" * 64, "org@102:sha256:" + "b" * 64)
STEP = AnchorSlack(channel="#incidents", heads=HEADS)


async def test_one_message_says_where_each_is_anchored_and_can_be_pasted(
    carry: Any, world: Any, slack: Slack, sb: SandboxClient
) -> None:
    assert (await STEP.plan(world(slack))).effect == "Post to #incidents: INC-42 at 41, org at 102"
    done = await STEP.run(carry(slack))
    message = (await sb.messages("incidents"))[-1]
    assert message.text.splitlines() == [
        f"⚓ INC-42 anchored at 41: `{HEADS[0]}`",
        f"⚓ org anchored at 102: `{HEADS[1]}`",
    ]
    assert done.ref.endswith(f"/{message.ts}") and "sealed" not in message.text
    assert STEP.say(done) == "Anchored in #incidents: INC-42 at 41, org at 102"


async def test_a_head_the_record_does_not_hold_is_not_posted(carry: Any, slack: Slack, sb: SandboxClient) -> None:
    with pytest.raises(Refused, match="no such head"):
        await STEP.run(carry(slack, holds=HEADS[:1]))
    assert await sb.messages("incidents") == []


@pytest.mark.parametrize(("mode", "happened"), [("timeout_after", True), ("timeout_before", False), ("500", False)])
async def test_reconcile_knows(
    carry: Any, world: Any, slack: Slack, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await STEP.run(carry(slack, key="another"))
    await sb.fail("slack", "chat.postMessage", mode)
    with pytest.raises(Uncertain):
        await STEP.run(carry(slack, key="k1"))
    found = await STEP.reconcile(world(slack, key="k1"))
    assert found.happened is happened and len(await sb.messages("incidents")) == 1 + happened


async def test_where_it_cannot_look_it_cannot_tell(world: Any, slack: Slack, sb: SandboxClient) -> None:
    assert (await AnchorSlack(channel="#nowhere", heads=HEADS).reconcile(world(slack))).happened is None
    await sb.fail("slack", "conversations.history", "missing_scope")
    assert (await STEP.reconcile(world(slack))).happened is None
