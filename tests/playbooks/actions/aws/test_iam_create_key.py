"""`aws.iam_create_key`: a key whose secret half goes into the secret and is shown to nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.iam_create_key import IamCreateKey
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Uncertain
from tests.playbooks.actions.aws.keys import made_key

CREATE = "CreateAccessKey"
STEP = IamCreateKey(user="deploy", secret="checkout/api")


async def held(aws: Aws) -> dict[str, str]:
    told = await aws._call(
        "secretsmanager", "get_secret_value", write=False, SecretId="checkout/api", VersionStage="AWSCURRENT"
    )
    return dict(json.loads(told["SecretString"]))


async def test_it_is_made_put_and_taken_back(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    first = await made_key(aws)
    before = await effects("aws", CREATE)
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Make a new access key of deploy and put it into checkout/api"
    assert await effects("aws", CREATE) == before
    done = await STEP.run(act(aws))
    kept = await held(aws)
    assert kept["AWS_ACCESS_KEY_ID"] == done.key != first and kept["token"] == "old-token", "what else it holds stays"
    assert kept["AWS_SECRET_ACCESS_KEY"] not in f"{plan} {done} {STEP.say(done)}"
    assert (await STEP.verify(world(aws), done)).ok is True
    with pytest.raises(Refused, match="two access keys already"):
        await STEP.run(act(aws, key="key-2"))
    assert done.key in (await STEP.plan_undo(world(aws), done)).effect
    await STEP.undo(act(aws), done)
    assert [one.id for one in await aws.iam_user_keys("deploy")] == [first]
    assert "AWS_ACCESS_KEY_ID" not in await held(aws) and (await STEP.verify_undo(world(aws), done)).ok is True
    assert (await STEP.reconcile_undo(world(aws), done)).happened is True


@pytest.mark.parametrize("mode", ["error:AccessDenied", "429"])
async def test_a_key_the_secret_did_not_take_is_deleted_again(
    act: Any, aws: Aws, sb: SandboxClient, ending: Any, mode: str
) -> None:
    first = await made_key(aws)
    await sb.fail("aws", "PutSecretValue", mode)
    assert await ending(STEP.run(act(aws))) is not None
    assert [one.id for one in await aws.iam_user_keys("deploy")] == [first]


async def test_a_lost_answer_is_found_or_said_to_be_left_behind(
    act: Any, world: Any, aws: Aws, sb: SandboxClient
) -> None:
    await made_key(aws)
    await sb.fail("aws", "PutSecretValue", "timeout_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    found = await STEP.reconcile(world(aws))
    assert (
        found.happened is True
        and found.outputs is not None
        and found.outputs.key == (await held(aws))["AWS_ACCESS_KEY_ID"]
    )
    assert (await STEP.reconcile(world(aws, key="another"))).happened is None, "a key without its secret"


async def test_nobody_and_nowhere_are_refused(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    await made_key(aws)
    before = await effects("aws", CREATE)
    for change in ({"user": "nobody"}, {"secret": "none"}):
        for call in (STEP.model_copy(update=change).plan(world(aws)), STEP.model_copy(update=change).run(act(aws))):
            with pytest.raises(Refused):
                await call
    assert await effects("aws", CREATE) == before
