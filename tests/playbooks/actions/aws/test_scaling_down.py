"""`aws.scaling_down`: only down, said how many are ended, and back again."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Risk
from playbooks.actions.aws.scaling_down import ScalingDown
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Uncertain

STEP = ScalingDown(group="checkout", desired=0)
UPDATE = "UpdateAutoScalingGroup"
pytestmark = pytest.mark.usefixtures("machines")


async def test_it_shrinks_and_goes_back(act: Any, world: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Set the auto scaling group checkout: 2 (2 to 4) -> 0 (0 to 4)"
    assert plan.targets == ("autoscaling:checkout",) and plan.warnings[0].startswith("2 instances are ended")
    assert STEP.risk is Risk.RECOVERABLE
    with pytest.raises(Refused, match=r"fewer than 3.*aws\.scaling_set"):
        await STEP.model_copy(update={"desired": 3}).run(act(aws))
    await sb.fail("aws", UPDATE, "reset")
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    assert (await STEP.reconcile(world(aws))).happened is False and await effects("aws", UPDATE) == 0
    done = await STEP.run(act(aws))
    now = await aws.scaling_group("checkout")
    assert (now.least, now.desired, now.most, len(now.instances)) == (0, 0, 4, 0)
    assert (await STEP.verify(world(aws), done)).ok is True
    assert (await STEP.reconcile(world(aws))).happened is True
    assert (await STEP.plan_undo(world(aws), done)).effect.endswith("back: 0 (0 to 4) -> 2 (2 to 4)")
    await STEP.undo(act(aws), done)
    assert (await STEP.verify_undo(world(aws), done)).ok is True
    assert (await STEP.reconcile_undo(world(aws), done)).happened is True
