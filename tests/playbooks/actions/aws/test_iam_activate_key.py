"""`aws.iam_activate_key`: what was closed opens again, as a destructive step."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.aws.iam_activate_key import Activated, IamActivateKey
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Uncertain
from tests.playbooks.actions.aws.keys import made_key

UPDATE = "UpdateAccessKey"


async def test_it_opens_what_was_closed(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    key = await made_key(aws)
    step = IamActivateKey(key=key)
    with pytest.raises(Refused, match="active already"):
        await step.plan(world(aws))
    await aws.iam_set_access_key("deploy", key, active=False)
    plan = await step.plan(world(aws))
    assert plan.effect == f"Activate the access key {key} of deploy again" and plan.targets == (f"iam:{key}",)
    assert (step.risk, step.again) == (Risk.RECOVERABLE, Again.NEVER)
    done = await step.run(act(aws))
    assert done == Activated(key=key, user="deploy") and step.say(done) == f"{key} of deploy activated again"
    assert (await step.verify(world(aws), done)).ok is True
    assert await effects("aws", UPDATE) == 2
    await step.undo(act(aws), done)
    assert (await step.verify(world(aws), done)).ok is None


async def test_a_lost_answer_is_looked_for(act: Any, world: Any, aws: Aws, sb: SandboxClient) -> None:
    key = await made_key(aws)
    await aws.iam_set_access_key("deploy", key, active=False)
    step = IamActivateKey(key=key)
    assert (await step.reconcile(world(aws))).happened is False
    await sb.fail("aws", UPDATE, "close_after")
    with pytest.raises(Uncertain):
        await step.run(act(aws))
    found = await step.reconcile(world(aws))
    assert (found.happened, found.outputs) == (True, Activated(key=key, user="deploy"))
