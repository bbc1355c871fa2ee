"""`aws.elb_switch`: traffic goes where it is told and healthy, and back again."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.aws_seed import AWAY_GROUP, AWAY_LISTENER, AWAY_PAGE
from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.elb_switch import ElbSwitch
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

pytestmark = pytest.mark.usefixtures("balancers")
MODIFY, AWAY = "ModifyListener", "eu-west-1"
STEP = ElbSwitch(forwards=AWAY_LISTENER, weights={AWAY_GROUP: 1}, region=AWAY)


async def going(aws: Aws) -> dict[str, int]:
    return dict((await aws.at(AWAY).elb_forwarding(AWAY_LISTENER)).weights)


async def test_it_sends_traffic_over_and_back(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Forward listener/app: targetgroup/checkout-dr-page -> targetgroup/checkout-dr"
    assert plan.targets == (f"elb:{AWAY_LISTENER}",) and await effects("aws", MODIFY) == 0
    done = await STEP.run(act(aws))
    assert await going(aws) == {AWAY_GROUP: 1} and done.old_weights == {AWAY_PAGE: 1}
    assert (await STEP.verify(world(aws), done)).ok is True
    assert (await STEP.verify(world(aws), done.model_copy(update={"weights": {AWAY_PAGE: 1}}))).ok is None
    with pytest.raises(Refused, match="already"):
        await STEP.run(act(aws))
    assert (await STEP.plan_undo(world(aws), done)).effect.startswith("Forward listener/app back")
    await STEP.undo(act(aws), done)
    assert await going(aws) == {AWAY_PAGE: 1} and (await STEP.verify_undo(world(aws), done)).ok is True
    assert (await STEP.reconcile_undo(world(aws), done)).happened is True
    with pytest.raises(Refused, match="somebody changed it since"):
        await STEP.undo(act(aws), done)


async def test_one_group_gets_everything_once(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    step = ElbSwitch(forwards=AWAY_LISTENER, to=AWAY_GROUP, region=AWAY)
    done = await step.run(act(aws))
    assert await going(aws) == {AWAY_GROUP: 1} and done.old_weights == {AWAY_PAGE: 1}
    assert (await step.plan(world(aws))).effect.endswith("as it is: it forwards to targetgroup/checkout-dr already")
    await step.run(act(aws))
    assert await effects("aws", MODIFY) == 1
    with pytest.raises(ValueError, match="either `to` or `weights`"):
        ElbSwitch(forwards=AWAY_LISTENER, to=AWAY_GROUP, weights={AWAY_GROUP: 1})


async def test_weights_are_shifted_a_part_at_a_time(act: Any, aws: Aws) -> None:
    step = STEP.model_copy(update={"weights": {AWAY_PAGE: 90, AWAY_GROUP: 10}})
    done = await step.run(act(aws))
    assert await going(aws) == {AWAY_PAGE: 90, AWAY_GROUP: 10}
    assert (
        step.say(done)
        == "listener/app: targetgroup/checkout-dr-page -> targetgroup/checkout-dr-page 90, targetgroup/checkout-dr 10"
    )


async def test_nobody_healthy_gets_traffic(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    gone = [{"Id": "10.0.0.1"}, {"Id": "10.0.0.2"}]
    await aws.at(AWAY)._call("elbv2", "deregister_targets", write=True, TargetGroupArn=AWAY_GROUP, Targets=gone)
    for call in (STEP.plan(world(aws)), STEP.run(act(aws))):
        with pytest.raises(Refused, match="no healthy target"):
            await call
    assert await effects("aws", MODIFY) == 0
    await STEP.model_copy(update={"unhealthy": True}).run(act(aws))
    assert await going(aws) == {AWAY_GROUP: 1}
    with pytest.raises(Refused, match="0 to 999"):
        await STEP.model_copy(update={"weights": {AWAY_PAGE: 1000}}).plan(world(aws))


@pytest.mark.parametrize(("mode", "happened"), [("timeout_after", True), ("timeout_before", False)])
async def test_a_lost_answer_is_found(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await STEP.plan(world(aws))
    await sb.fail("aws", MODIFY, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    found = await STEP.reconcile(world(aws))
    assert found.happened is happened
    if found.outputs is not None:
        with pytest.raises(Refused, match="not known"):
            await STEP.plan_undo(world(aws), found.outputs)


async def test_refused_and_throttled_did_not_happen(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    await going(aws)
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", MODIFY, mode)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert await effects("aws", MODIFY) == 0
