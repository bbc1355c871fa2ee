"""`aws.ec2_isolate`: every interface in quarantine, the way back known whatever happens to the answer."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.aws_seed import MACHINES, QUARANTINE
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.action import Again, Risk
from playbooks.actions.aws.ec2_isolate import Ec2Isolate
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = Ec2Isolate(instances=list(MACHINES), quarantine_group=QUARANTINE, capacity="keep")
CHANGE = "ModifyNetworkInterfaceAttribute"
pytestmark = pytest.mark.usefixtures("machines")


async def groups(aws: Aws) -> list[tuple[str, ...]]:
    return [part.groups for one in await aws.ec2_instances(MACHINES) for part in one.interfaces]


async def test_it_isolates_and_lets_out(act: Any, world: Any, aws: Aws, effects: Any, sb: SandboxClient) -> None:
    assert (STEP.risk, STEP.again) == (Risk.CONTAIN, Again.KEYED)
    before = await groups(aws)
    plan = await STEP.plan(world(aws))
    assert plan.targets == tuple(f"ec2:{id}" for id in MACHINES)
    assert plan.effect == (
        f"Take {MACHINES[0]}, {MACHINES[1]} out of the auto scaling group checkout, which starts others instead; "
        f"put {MACHINES[0]} ({before[0][0]}), {MACHINES[1]} ({before[1][0]}) into sg-quarantine alone, which lets "
        "nothing in or out"
    )
    assert "open may live on" in plan.warnings[0]
    await sb.fail("aws", CHANGE, "close_after", after=1)
    with pytest.raises(Uncertain):  # the second interface is changed, and nobody tells
        await STEP.run(act(aws))
    done = await STEP.run(act(aws))
    assert await groups(aws) == [(QUARANTINE,)] * 2 and await effects("aws", CHANGE) == 2
    assert sorted(done.old_groups.values()) == sorted(map(list, before)), "known from the interface's own tag"
    assert done.scaling == dict.fromkeys(MACHINES, "checkout") and await aws.scaling_of(MACHINES) == {}
    assert (await STEP.verify(world(aws), done)).ok is True and STEP.say(done).endswith("in sg-quarantine alone")
    with pytest.raises(Refused, match="alone already"):
        await STEP.plan(world(aws))

    back = await STEP.plan_undo(world(aws), done)
    assert back.effect.startswith(f"Let {', '.join(MACHINES)} out of quarantine: eni-")
    await sb.fail("aws", CHANGE, "close_after")
    with pytest.raises(Uncertain):
        await STEP.undo(act(aws), done)
    assert (await STEP.verify_undo(world(aws), done)).ok is None
    await STEP.undo(act(aws), done)
    assert await groups(aws) == before and (await STEP.verify_undo(world(aws), done)).ok is True
    assert (await STEP.verify(world(aws), done)).ok is None
    assert [part.kept for one in await aws.ec2_instances(MACHINES) for part in one.interfaces] == [None, None]


async def test_what_is_no_quarantine_or_changed_since_is_refused(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    (default,) = (await groups(aws))[0]
    for wrong, said in (
        ({"quarantine_group": default}, "is no quarantine: it lets out to 0.0.0.0/0"),
        ({"quarantine_group": "sg-0none"}, r"InvalidGroup\.NotFound"),
        ({"instances": [*MACHINES, "i-0none"]}, r"InvalidInstanceID\.NotFound"),
    ):
        for call in (STEP.model_copy(update=wrong).plan(world(aws)), STEP.model_copy(update=wrong).run(act(aws))):
            with pytest.raises(Refused, match=said):
                await call
    assert await effects("aws", CHANGE) == 0
    done = await STEP.run(act(aws))
    part = (await aws.ec2_instances(MACHINES))[0].interfaces[0]
    await aws.ec2_set_groups(part.id, [default, QUARANTINE])
    for call in (STEP.plan_undo(world(aws), done), STEP.undo(act(aws), done)):
        with pytest.raises(Refused, match="somebody changed it since"):
            await call


async def test_refused_and_throttled_say_how_far_it_came(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", CHANGE, mode)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert await effects("aws", CHANGE) == 0
    await sb.fail("aws", CHANGE, "error:AccessDenied", after=1)
    with pytest.raises(Refused, match="1 of 2 interfaces are in quarantine, the others are not: AWS refused"):
        await STEP.run(act(aws))
    assert len((await STEP.run(act(aws, key="key-2"))).old_groups) == 2


async def test_it_leaves_what_would_end_it_and_comes_back(
    act: Any, world: Any, aws: Aws, effects: Any, sb: SandboxClient, sandbox: Sandbox
) -> None:
    arns = sorted(behind(sandbox, name) for name in ("shop", "shop-admin"))
    for capacity, words in (
        (None, "Say capacity: keep"),
        ("shrink", "cannot get smaller by 2: it wants 2 and must have 2"),
    ):
        step = STEP.model_copy(update={"capacity": capacity})
        for call in (step.plan(world(aws)), step.run(act(aws))):
            with pytest.raises(Refused, match=words):
                await call
    await aws.scaling_set("checkout", least=0, most=3, desired=2)
    step = STEP.model_copy(update={"capacity": "shrink"})
    plan = await step.plan(world(aws))
    assert (
        f"checkout, which gets smaller by 2; take {MACHINES[0]} out of targetgroup/shop, targetgroup/shop-admin; put"
        in plan.effect
    )
    await sb.fail("aws", "DeregisterTargets", "error:AccessDenied", after=1)
    with pytest.raises(Refused, match="No network was cut: AWS refused"):
        await step.run(act(aws))
    await sb.fail("aws", "DeregisterTargets", "close_after")
    with pytest.raises(Uncertain):
        await step.run(act(aws))
    done = await step.run(act(aws))  # what is out already is known from its tags
    assert sorted(done.targets[MACHINES[0]]) == [f"{arn} {MACHINES[0]} 8080" for arn in arns] and len(done.scaling) == 2
    assert (await step.verify(world(aws), done)).ok is True and (await aws.scaling_group("checkout")).desired == 0
    assert await effects("aws", "DetachInstances") == 1 and await effects("aws", "DeregisterTargets") == 2
    await aws.scaling_set("checkout", least=0, most=1, desired=0)
    for call in (step.plan_undo(world(aws), done), step.undo(act(aws), done)):
        with pytest.raises(Refused, match="checkout is full: it wants 0 and may have 1"):
            await call
    await aws.scaling_set("checkout", least=0, most=2, desired=0)
    back = (await step.plan_undo(world(aws), done)).effect
    assert "into the auto scaling group checkout, which then wants 2" in back and "into targetgroup/shop" in back
    await sb.fail("aws", "RegisterTargets", "error:AccessDenied")
    with pytest.raises(Refused, match="out of quarantine, and not all back where they were"):
        await step.undo(act(aws), done)
    assert (await step.verify_undo(world(aws), done)).text == f"not back: {MACHINES[0]}"
    await step.undo(act(aws), done)
    assert (await step.verify_undo(world(aws), done)).ok is True
    assert [one.tags for one in await aws.ec2_instances(MACHINES)] == [{}, {}]
    assert (await aws.scaling_of(MACHINES)) == done.scaling and (await aws.scaling_group("checkout")).desired == 2


def behind(sandbox: Sandbox, name: str) -> str:
    """A target group in which the first machine is registered, on a port of its own."""
    elb, ec2 = sandbox.aws._backend("elbv2", "eu-north-1"), sandbox.aws._backend("ec2", "eu-north-1")
    made = elb.create_target_group(
        name, vpc_id=ec2.get_instance(MACHINES[0]).vpc_id, protocol="HTTP", port="80", target_type="instance",
        healthcheck_protocol="HTTP", healthcheck_port="traffic-port", healthcheck_path="/", healthcheck_enabled="true",
        healthcheck_interval_seconds=30, healthcheck_timeout_seconds=5, healthy_threshold_count=5,
        unhealthy_threshold_count=2, matcher={"HttpCode": "200"},
    )  # fmt: skip
    elb.register_targets(made.arn, [{"Id": MACHINES[0], "Port": "8080"}])
    return str(made.arn)
