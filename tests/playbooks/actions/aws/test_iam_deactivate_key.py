"""`aws.iam_deactivate_key`: one key of one user, never our own, and the truth about a lost answer."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.aws.iam_deactivate_key import Deactivated, IamDeactivateKey
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain
from tests.playbooks.actions.aws.keys import made_key

UPDATE = "UpdateAccessKey"


@pytest.fixture
async def key(aws: Aws) -> str:
    return await made_key(aws)


async def test_it_closes_one_key_and_says_whose(act: Any, world: Any, aws: Aws, key: str, effects: Any) -> None:
    step = IamDeactivateKey(key=key)
    plan = await step.plan(world(aws))
    assert plan.effect == f"Deactivate the access key {key} of deploy" and plan.targets == (f"iam:{key}",)
    assert "stops working" in plan.warnings[0] and "full quorum" in plan.undo
    assert (step.risk, step.again, step.can_undo(), step.undo_risk()) == (
        Risk.CONTAIN, Again.NEVER, True, Risk.RECOVERABLE,
    )  # fmt: skip
    assert await effects("aws", UPDATE) == 0
    assert (await step.verify(world(aws), Deactivated(key=key, user="deploy"))).ok is None
    done = await step.run(act(aws))
    assert done == Deactivated(key=key, user="deploy") and step.say(done) == f"{key} of deploy deactivated"
    assert (await step.verify(world(aws), done)).ok is True
    with pytest.raises(Refused, match="inactive already"):
        await step.plan(world(aws))
    assert await step.undo(act(aws), done) == done
    assert (await aws.iam_access_key(key)).active


async def test_never_our_own_key(act: Any, world: Any, sandbox: Any, env: dict[str, str], effects: Any) -> None:
    await sandbox.aws.start()
    own = "AKIAOURSELVES1234567"
    ours = Aws(region="eu-north-1", endpoint_url=env["AWS_ENDPOINT_URL"], access_key_id=own, secret_access_key="s")
    step = IamDeactivateKey(key=own)
    for call in (step.plan(world(ours)), step.run(act(ours))):
        with pytest.raises(Refused, match="Muster itself works with"):
            await call
    assert await effects("aws", UPDATE) == 0
    await ours.close()


async def test_a_key_nobody_has(world: Any, aws: Aws) -> None:
    with pytest.raises(Refused):
        await IamDeactivateKey(key="AKIANOBODYHASTHIS123").plan(world(aws))


async def test_a_lost_answer_is_looked_for(act: Any, world: Any, aws: Aws, key: str, sb: SandboxClient) -> None:
    step = IamDeactivateKey(key=key)
    found = await step.reconcile(world(aws))
    assert (found.happened, found.outputs) == (False, None) and "is active" in found.evidence
    await sb.fail("aws", UPDATE, "close_after")
    with pytest.raises(Uncertain):
        await step.run(act(aws))
    found = await step.reconcile(world(aws))
    assert (found.happened, found.outputs) == (True, Deactivated(key=key, user="deploy"))


async def test_throttled_and_denied_did_not_happen(
    act: Any, aws: Aws, key: str, sb: SandboxClient, effects: Any
) -> None:
    step = IamDeactivateKey(key=key)
    await sb.fail("aws", UPDATE, "429")
    with pytest.raises(Temporary):
        await step.run(act(aws))
    await sb.fail("aws", UPDATE, "error:AccessDenied")
    with pytest.raises(Refused, match="AccessDenied"):
        await step.run(act(aws))
    assert await effects("aws", UPDATE) == 0
