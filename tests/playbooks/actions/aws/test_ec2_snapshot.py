"""`aws.ec2_snapshot`: every volume once, found again by our key, and not complete before it is."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.aws_seed import MACHINES
from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.ec2_snapshot import Ec2Snapshot
from playbooks.connectors.aws import Aws
from playbooks.errors import NotYet, Refused, Temporary, Uncertain

STEP = Ec2Snapshot(instance=MACHINES[0], case="INC-42")
MAKE = "CreateSnapshots"


async def test_it_preserves_every_volume_and_waits_until_it_is_complete(
    act: Any, world: Any, aws: Aws, machines: Any, effects: Any
) -> None:
    (seen,) = await aws.ec2_instances([STEP.instance])
    plan = await STEP.plan(world(aws))
    assert plan.effect == f"Take snapshots of {seen.volumes[0]} of {STEP.instance} for INC-42"
    assert plan.targets == (f"ec2:{STEP.instance}",) and await effects("aws", MAKE) == 0
    done = await STEP.run(act(aws))
    assert list(done.snapshots) == list(seen.volumes) and await effects("aws", MAKE) == 1
    kept = machines.snapshots[done.snapshots[seen.volumes[0]]]
    assert {tag["key"]: tag["value"] for tag in kept.get_tags()} == {"muster-case": "INC-42", "muster-key": "key-1"}
    kept.status = "pending"
    assert (await STEP.verify(world(aws), done)).ok is None
    begun = await STEP.model_copy(update={"finish": False}).verify(world(aws), done)
    assert begun.ok is True and "begun" in begun.text
    kept.status = "error"
    assert (await STEP.verify(world(aws), done)).ok is False
    kept.status = "completed"
    assert (await STEP.verify(world(aws), done)).text == "1 of 1 snapshots there, complete"
    assert (await STEP.verify(world(aws, key="other"), done)).ok is None, "another attempt's listing shows nothing"
    with pytest.raises(Refused, match=r"InvalidInstanceID\.NotFound"):
        await STEP.model_copy(update={"instance": "i-0none"}).plan(world(aws))


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
@pytest.mark.usefixtures("machines")
async def test_a_lost_answer_is_found_by_its_key(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await sb.fail("aws", MAKE, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    if not happened:
        with pytest.raises(NotYet):
            await STEP.reconcile(world(aws))
    found = await STEP.reconcile(world(aws, later_s=61))
    assert found.happened is happened and bool(found.outputs) is happened


@pytest.mark.usefixtures("machines")
async def test_refused_and_throttled_did_not_happen(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", MAKE, mode)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert await effects("aws", MAKE) == 0
