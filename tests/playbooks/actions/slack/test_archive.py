"""`slack.archive`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.slack.archive import Archive
from playbooks.connectors.slack import Slack
from playbooks.errors import Refused, Temporary, Uncertain


async def test_archived_once_and_for_all(act: Any, world: Any, slack: Slack) -> None:
    step = Archive(channel=(await slack.open_channel("inc-1")).id)
    plan = await step.plan(world(slack))
    assert plan.effect == "Archive #inc-1" and plan.notes == ()
    assert (await step.verify(world(slack), None)).ok is None
    for _ in range(2):
        done = await step.run(act(slack))
    assert (await step.verify(world(slack), done)).ok is True
    assert (await step.plan(world(slack))).notes == ("It is archived already.",)


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("close_after", Uncertain), ("missing_scope", Refused)])
async def test_failures(act: Any, slack: Slack, sb: SandboxClient, mode: str, kind: type[Exception]) -> None:
    step = Archive(channel=(await slack.open_channel("inc-1")).id)
    await sb.fail("slack", "conversations.archive", mode)
    with pytest.raises(kind):
        await step.run(act(slack))
