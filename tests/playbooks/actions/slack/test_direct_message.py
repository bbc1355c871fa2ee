"""`slack.direct_message`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.slack.direct_message import DirectMessage
from playbooks.connectors.slack import Slack
from playbooks.errors import Refused, Temporary, Uncertain

STEP = DirectMessage(users=["U0ANA", "U0ZED", "U0BEN"], text="hello")


async def test_one_who_cannot_be_told_keeps_nobody_else_out(act: Any, world: Any, slack: Slack) -> None:
    assert (await STEP.plan(world(slack))).targets == ("slack:U0ANA", "slack:U0ZED", "slack:U0BEN")
    done = await STEP.run(act(slack))
    assert done.told == ("U0ANA", "U0BEN") and len(done.not_told) == 1 and done.not_told[0].startswith("U0ZED: ")
    assert STEP.say(done).startswith("2 told; not told: U0ZED")


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("500", Uncertain), ("missing_scope", Refused)])
async def test_when_nobody_was_told_the_step_fails(
    act: Any, slack: Slack, sb: SandboxClient, mode: str, kind: type[Exception]
) -> None:
    await sb.fail("slack", "chat.postMessage", mode, times=-1)
    with pytest.raises(kind):
        await DirectMessage(users=["U0ANA"], text="x").run(act(slack))


async def test_an_uncertain_message_is_found_again(act: Any, world: Any, slack: Slack, sb: SandboxClient) -> None:
    step = DirectMessage(users=["U0ANA"], text="x")
    assert (await step.reconcile(world(slack))).happened is False
    await sb.fail("slack", "chat.postMessage", "timeout_after")
    with pytest.raises(Uncertain):
        await step.run(act(slack))
    found = await DirectMessage(users=["U0ANA", "U0BEN"], text="x").reconcile(world(slack))
    assert found.happened is False and found.evidence == "1 of 2 have the message."
    found = await step.reconcile(world(slack))
    assert found.happened and found.outputs.told == ("U0ANA",)
    await sb.fail("slack", "users.conversations", "missing_scope")
    assert (await step.reconcile(world(slack))).happened is None


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("500", Uncertain), ("close_after", Uncertain)])
async def test_who_may_still_be_told_is_told_by_the_repeat_and_the_others_once(
    act: Any, world: Any, slack: Slack, sb: SandboxClient, mode: str, kind: type[Exception]
) -> None:
    step = DirectMessage(users=["U0ANA", "U0ZED", "U0BEN"], text="the call")
    await sb.fail("slack", "chat.postMessage", mode, retry_after=0)
    with pytest.raises(kind, match="1 told, 1 not yet: Slack"):
        await step.run(act(slack))
    await asyncio.sleep(1.0 if mode == "429" else 0)  # Slack's own wait
    again = act(slack)
    again.repeated = True
    done = await step.run(again)
    assert done.told == ("U0ANA", "U0BEN") and done.not_told[0].startswith("U0ZED: ")
    for user in ("@ana", "@ben"):
        assert [m.text for m in await sb.messages(user)] == ["the call"]
