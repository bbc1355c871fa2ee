"""`aws.secret_point`: another host in the address, everything else of it as it was, and nothing of it shown."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.secret_point import SecretPoint
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused

PUT, NAME = "PutSecretValue", "checkout/database-url"
STEP = SecretPoint(secret=NAME, host="orders-db-2.example.com", from_host="orders-db.example.com")


async def value(aws: Aws) -> str:
    return str(
        (await aws._call("secretsmanager", "get_secret_value", write=False, SecretId=NAME, VersionStage="AWSCURRENT"))[
            "SecretString"
        ]
    )


async def test_only_the_host_changes(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == f"Let the address in {NAME} name orders-db-2.example.com instead of orders-db.example.com"
    assert await effects("aws", PUT) == 0
    done = await STEP.run(act(aws))
    assert (
        await value(aws) == "postgresql://orders:sandbox-password@orders-db-2.example.com:5432/orders?sslmode=require"
    )
    assert (await STEP.verify(world(aws), done)).ok is True
    assert "sandbox-password" not in f"{plan} {done} {STEP.say(done)}"
    assert await STEP.run(act(aws)) == done, "a repeat of the attempt finds its own write"
    with pytest.raises(Refused, match="already"):
        await STEP.run(act(aws, key="key-2"))
    await STEP.undo(act(aws), done)
    assert "@orders-db.example.com:5432" in await value(aws)
    assert (await STEP.reconcile_undo(world(aws), done)).happened is True
    ported = await STEP.model_copy(update={"host": "pool:6432"}).run(act(aws, key="key-3"))
    assert "@pool:6432/orders" in await value(aws) and ported.old_version == done.old_version


async def test_it_leaves_alone_what_is_another_address(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    for change, words in (
        ({"from_host": "other.example.com"}, "somebody changed it"), ({"secret": "checkout/api"}, "is no address"),
        ({"secret": "checkout/api", "key": "none"}, "no key none"), ({"secret": "none"}, "ResourceNotFound"),
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
    await sb.fail("aws", PUT, "timeout_after")
    assert await ending(STEP.run(act(aws))) is not None
    found = await STEP.reconcile(world(aws))
    assert found.happened is True and found.outputs is not None
    assert (await STEP.verify(world(aws), found.outputs)).ok is True
