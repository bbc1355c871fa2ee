"""`aws.flag_parameter`: one version with the stated value, and the way back to the one before."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.flag_parameter import FlagParameter
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = FlagParameter(parameter="/checkout/redis", value="false", from_value="true")
PUT = "PutParameter"


async def test_it_switches_once_and_back(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == 'Set /checkout/redis: "true" -> "false"' and plan.targets == ("parameter:/checkout/redis",)
    assert await effects("aws", PUT) == 0 and (await STEP.reconcile(world(aws))).happened is False
    done = await STEP.run(act(aws))
    assert (done.version, done.old_version) == (2, 1) and (await STEP.verify(world(aws), done)).ok is True
    with pytest.raises(Refused, match="already"):
        await STEP.run(act(aws))
    assert (await STEP.plan_undo(world(aws), done)).effect == 'Set /checkout/redis back: "false" -> "true"'
    assert (await STEP.verify_undo(world(aws), done)).ok is None
    assert (await STEP.reconcile_undo(world(aws), done)).happened is False
    await STEP.undo(act(aws), done)
    assert (await aws.parameter("/checkout/redis")).value == "true"
    assert (await STEP.verify_undo(world(aws), done)).ok and (await STEP.reconcile_undo(world(aws), done)).happened
    seen = await STEP.verify(world(aws), done)
    assert seen.ok is False and "something else" in seen.text
    with pytest.raises(Refused, match="changed since"):
        await STEP.undo(act(aws), done)
    assert await effects("aws", PUT) == 2


async def test_what_is_secret_gone_or_changed_is_left_alone(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    for change, words in (
        ({"parameter": "/none"}, "ParameterNotFound"), ({"parameter": "/checkout/token"}, "SecureString"),
        ({"from_value": "maybe"}, "somebody changed it"),
    ):  # fmt: skip
        step = STEP.model_copy(update=change)
        for call in (step.plan(world(aws)), step.run(act(aws))):
            with pytest.raises(Refused, match=words):
                await call
    assert (await aws.parameter("/checkout/token")).value == "" and await effects("aws", PUT) == 0


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found_by_its_version(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await STEP.plan(world(aws))
    await sb.fail("aws", PUT, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    found = await STEP.reconcile(world(aws))
    assert found.happened is happened
    if found.outputs is not None:
        assert (await STEP.verify(world(aws), found.outputs)).ok is True
        await STEP.undo(act(aws), found.outputs)
        assert (await aws.parameter("/checkout/redis")).value == "true"


async def test_refused_and_throttled_did_not_happen(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    await aws.parameter("/checkout/redis")
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", PUT, mode)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert await effects("aws", PUT) == 0
