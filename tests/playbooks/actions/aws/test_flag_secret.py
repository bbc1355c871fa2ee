"""`aws.flag_secret`: one key says another word, all else of the secret stays and is not shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.flag_secret import FlagSecret
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary

PUT, NAME = "PutSecretValue", "checkout/settings"
STEP = FlagSecret(secret=NAME, key="redis", value="false", from_value="true")


async def value(aws: Aws) -> Any:
    told = await aws._call("secretsmanager", "get_secret_value", write=False, SecretId=NAME, VersionStage="AWSCURRENT")
    return json.loads(told["SecretString"])


async def test_one_word_changes_and_goes_back(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == f"Set redis in {NAME}: true -> false" and plan.targets == (f"secret:{NAME}",)
    assert await effects("aws", PUT) == 0
    done = await STEP.run(act(aws))
    assert await value(aws) == {"redis": False, "mode": "full", "token": "planted-token"}, "JSON's false, as it was"
    assert (await STEP.verify(world(aws), done)).ok is True and await STEP.run(act(aws)) == done
    with pytest.raises(Refused, match="already"):
        await STEP.run(act(aws, key="key-2"))
    word = STEP.model_copy(update={"key": "mode", "value": "reduced", "from_value": ""})
    hidden = await word.plan(world(aws))
    assert "mode in checkout/settings: (not shown) -> reduced" in hidden.effect
    await word.run(act(aws, key="key-3"))
    assert (await value(aws))["mode"] == "reduced" and (await STEP.verify(world(aws), done)).ok is None
    with pytest.raises(Refused, match="another current version"):
        await STEP.undo(act(aws), done)
    assert "planted-token" not in f"{plan} {hidden} {done} {STEP.say(done)}"


async def test_undo_makes_the_version_before_current(act: Any, world: Any, aws: Aws) -> None:
    done = await STEP.run(act(aws))
    assert "current again" in (await STEP.plan_undo(world(aws), done)).effect
    assert (await STEP.reconcile_undo(world(aws), done)).happened is False
    await STEP.undo(act(aws), done)
    assert (await value(aws))["redis"] is True and (await STEP.verify_undo(world(aws), done)).ok is True
    assert (await STEP.reconcile_undo(world(aws), done)).happened is True


async def test_what_is_no_such_switch_is_left_alone(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    for change, words in (
        ({"key": "none"}, "no key none"), ({"from_value": "off"}, "somebody changed it"),
        ({"secret": "none"}, "ResourceNotFound"), ({"secret": "checkout/database-url"}, "no key redis"),
    ):  # fmt: skip
        step = STEP.model_copy(update=change)
        for call in (step.plan(world(aws)), step.run(act(aws))):
            with pytest.raises(Refused, match=words):
                await call
    assert await effects("aws", PUT) == 0


async def test_a_lost_answer_is_found_by_the_version(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, ending: Any
) -> None:
    await STEP.plan(world(aws))
    await sb.fail("aws", PUT, "close_after")
    assert await ending(STEP.run(act(aws))) is not None
    found = await STEP.reconcile(world(aws))
    assert found.happened is True and (await STEP.verify(world(aws), found.outputs)).ok is True
    await sb.fail("aws", PUT, "429")
    other = STEP.model_copy(update={"value": "true", "from_value": ""})
    assert isinstance(await ending(other.run(act(aws, key="key-2"))), Temporary)
    assert (await other.reconcile(world(aws, key="key-2"))).happened is False
