"""`aws.secret_put`: one new version from a reference, its value in nobody's hands, and the way back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.secret_put import SecretPut
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary
from playbooks.secrets import SecretRef, reveal

PUT = "PutSecretValue"
STEP = SecretPut(secret="checkout/api", key="token", value=SecretRef("env://NEW_TOKEN"))


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NEW_TOKEN", "planted-new-token")
    return "planted-new-token"


async def value(aws: Aws) -> str:
    answer = await aws._call(
        "secretsmanager", "get_secret_value", write=False, SecretId="checkout/api", VersionStage="AWSCURRENT"
    )
    return str(answer["SecretString"])


async def test_one_key_is_written_and_taken_back(act: Any, world: Any, aws: Aws, effects: Any, token: str) -> None:
    plan = await STEP.plan(world(aws))
    assert (
        plan.effect == "Write key token of checkout/api anew, from env://NEW_TOKEN" and await effects("aws", PUT) == 0
    )
    done = await STEP.run(act(aws))
    assert await value(aws) == '{"token": "planted-new-token", "url": "x"}'
    assert (await STEP.verify(world(aws), done)).ok is True
    assert await asyncio.to_thread(reveal, SecretRef("secret://aws/checkout/api#token")) == token
    shown = f"{plan} {done} {STEP.say(done)} {await STEP.reconcile(world(aws))}"
    assert token not in shown and "old-token" not in shown
    again = await STEP.run(act(aws))
    assert again == done, "the same attempt makes no second version"
    assert "current again" in (await STEP.plan_undo(world(aws), done)).effect
    await STEP.undo(act(aws), done)
    assert "old-token" in await value(aws) and (await STEP.verify_undo(world(aws), done)).ok is True
    assert (await STEP.reconcile_undo(world(aws), done)).happened is True
    with pytest.raises(Refused, match="another current version"):
        await STEP.undo(act(aws), done)


async def test_a_lost_answer_is_repeated_with_the_same_key(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, ending: Any
) -> None:
    before = (await aws.secret_seen("checkout/api")).current
    await sb.fail("aws", PUT, "timeout_after")
    assert await ending(STEP.run(act(aws))) is not None
    assert (await STEP.reconcile(world(aws))).happened is True
    assert (await STEP.run(act(aws))).old_version == before
    await sb.fail("aws", PUT, "429")
    assert isinstance(await ending(STEP.run(act(aws, key="key-2"))), Temporary)
    assert (await STEP.reconcile(world(aws, key="key-2"))).happened is False


async def test_what_is_not_there_is_refused(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    for change, words in (
        ({"secret": "none"}, "ResourceNotFoundException"), ({"secret": "checkout/database-url"}, "plain text"),
        ({"value": SecretRef("env://UNSET_HERE")}, "UNSET_HERE"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=words):
            await STEP.model_copy(update=change).plan(world(aws))
            await STEP.model_copy(update=change).run(act(aws))
    assert await effects("aws", PUT) == 0
