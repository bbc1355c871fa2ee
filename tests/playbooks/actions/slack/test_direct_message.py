"""`slack.direct_message`."""

from __future__ import annotations

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
    assert found.happened and found.outputs.told == ("U0ANA",) and found.outputs.not_told == ("U0BEN: has no message",)
    await sb.fail("slack", "users.conversations", "missing_scope")
    assert (await step.reconcile(world(slack))).happened is None
