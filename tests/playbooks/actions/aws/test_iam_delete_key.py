"""`aws.iam_delete_key`: only a key nobody needs, and never our own."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Risk
from playbooks.actions.aws.iam_delete_key import IamDeleteKey
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Uncertain
from tests.playbooks.actions.aws.keys import made_key

DELETE = "DeleteAccessKey"


async def test_it_goes_once_it_is_inactive(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    step = IamDeleteKey(key=await made_key(aws))
    for call in (step.plan(world(aws)), step.run(act(aws))):
        with pytest.raises(Refused, match="is active"):
            await call
    assert await effects("aws", DELETE) == 0 and step.risk is Risk.IRREVERSIBLE
    await aws.iam_set_access_key("deploy", step.key, active=False)
    assert (await step.plan(world(aws))).effect == f"Delete the access key {step.key} of deploy"
    done = await step.run(act(aws))
    assert (await step.verify(world(aws), done)).ok is True and (await step.reconcile(world(aws))).happened is True
    with pytest.raises(Refused, match=r"NoSuchEntity|No user"):
        await step.run(act(aws))
    assert await effects("aws", DELETE) == 1


async def test_an_active_one_only_when_told_and_a_lost_answer_is_found(
    act: Any, world: Any, aws: Aws, sb: SandboxClient
) -> None:
    step = IamDeleteKey(key=await made_key(aws), active=True)
    await sb.fail("aws", DELETE, "timeout_before")
    with pytest.raises(Uncertain):
        await step.run(act(aws))
    assert (await step.reconcile(world(aws))).happened is False
    await sb.fail("aws", DELETE, "timeout_after")
    with pytest.raises(Uncertain):
        await step.run(act(aws))
    found = await step.reconcile(world(aws))
    assert found.happened is True and found.outputs is not None
    assert (await step.verify(world(aws), found.outputs)).ok is True, "though whose it was cannot be known any more"


async def test_never_our_own(world: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await made_key(aws)

    async def own() -> str:
        return key

    monkeypatch.setattr(aws, "own_access_key", own)
    monkeypatch.setattr(aws, "bound", lambda where: aws)
    with pytest.raises(Refused, match="Muster itself works with"):
        await IamDeleteKey(key=key, active=True).plan(world(aws))
