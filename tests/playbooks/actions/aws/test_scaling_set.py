"""`aws.scaling_set`: only up, counted by what is in service, and back only with a quorum."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Risk
from playbooks.actions.aws.scaling_set import ScalingSet
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = ScalingSet(group="checkout", desired=5)
UPDATE = "UpdateAutoScalingGroup"
pytestmark = pytest.mark.usefixtures("machines")


async def sizes(aws: Aws) -> tuple[int, int, int, int]:
    now = await aws.scaling_group("checkout")
    return now.least, now.desired, now.most, len(now.instances)


async def test_it_grows_and_goes_back(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Set the auto scaling group checkout: 2 (2 to 4) -> 5 (2 to 5)" and plan.warnings == ()
    assert plan.targets == ("autoscaling:checkout",) and await effects("aws", UPDATE) == 0
    assert (STEP.risk, STEP.undo_risk()) == (Risk.WRITE, Risk.RECOVERABLE)
    with pytest.raises(Refused, match=r"2 instances wanted, more than 1.*aws\.scaling_down"):
        await STEP.model_copy(update={"desired": 1}).plan(world(aws))
    done = await STEP.run(act(aws))
    assert await sizes(aws) == (2, 5, 5, 5) and (done.size, done.old_size) == ([2, 5, 5], [2, 2, 4])
    assert (await STEP.verify(world(aws), done)).ok is True
    await aws._call("autoscaling", "set_instance_health", write=True, HealthStatus="Unhealthy",
                    InstanceId=next(iter((await aws.scaling_group("checkout")).instances)))  # fmt: skip
    seen = await STEP.verify(world(aws), done)
    assert seen.ok is None and seen.text == "4 of 5 in service and healthy, 5 there"
    with pytest.raises(Refused, match="already"):
        await STEP.run(act(aws))
    assert (await STEP.plan_undo(world(aws), done)).effect.endswith("back: 5 (2 to 5) -> 2 (2 to 4)")
    assert (await STEP.reconcile_undo(world(aws), done)).happened is False
    await STEP.undo(act(aws), done)
    assert (await sizes(aws))[:3] == (2, 2, 4) and (await STEP.reconcile_undo(world(aws), done)).happened is True
    assert (await STEP.verify(world(aws), done)).ok is False, "not what this step set any more"
    with pytest.raises(Refused, match="somebody changed it since"):
        await STEP.undo(act(aws), done)
    with pytest.raises(Refused, match="not between 6 and 8"):
        await STEP.model_copy(update={"least": 6, "most": 8}).plan(world(aws))


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await sb.fail("aws", UPDATE, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    found = await STEP.reconcile(world(aws))
    assert found.happened is happened
    if found.outputs is not None:
        with pytest.raises(Refused, match="not known"):
            await STEP.undo(act(aws), found.outputs)


async def test_refused_and_throttled_did_not_happen(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", UPDATE, mode)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert await effects("aws", UPDATE) == 0
