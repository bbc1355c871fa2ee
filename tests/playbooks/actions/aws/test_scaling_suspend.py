"""`aws.scaling_suspend`: only what ran is suspended, and only that is resumed."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.scaling_suspend import ScalingSuspend
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = ScalingSuspend(group="checkout", processes=["Terminate", "ReplaceUnhealthy"])
SUSPEND = "SuspendProcesses"
pytestmark = pytest.mark.usefixtures("machines")


async def test_it_suspends_and_resumes_its_own(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    await aws.scaling_suspend("checkout", ["Terminate", "Launch"])
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Suspend ReplaceUnhealthy of the auto scaling group checkout"
    assert plan.targets == ("autoscaling:checkout",) and await effects("aws", SUSPEND) == 1
    done = await STEP.run(act(aws))
    assert done.processes == ["ReplaceUnhealthy"] and (await STEP.verify(world(aws), done)).ok is True
    assert (await STEP.verify(world(aws), done.model_copy(update={"processes": ["AZRebalance"]}))).ok is None
    with pytest.raises(Refused, match="suspended already"):
        await STEP.run(act(aws))
    assert (await STEP.plan_undo(world(aws), done)).effect == "Resume ReplaceUnhealthy of checkout"
    assert (await STEP.verify_undo(world(aws), done)).ok is None
    assert (await STEP.reconcile_undo(world(aws), done)).happened is False
    await STEP.undo(act(aws), done)
    assert (await aws.scaling_group("checkout")).suspended == ("Launch", "Terminate")
    assert (await STEP.verify_undo(world(aws), done)).ok is True
    assert (await STEP.reconcile_undo(world(aws), done)).happened is True
    with pytest.raises(Refused, match="run already"):
        await STEP.undo(act(aws), done)
    with pytest.raises(Refused, match="no auto scaling group other"):
        await STEP.model_copy(update={"group": "other"}).plan(world(aws))


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await sb.fail("aws", SUSPEND, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    found = await STEP.reconcile(world(aws))
    assert found.happened is happened
    if found.outputs is not None:
        with pytest.raises(Refused, match="is not known"):
            await STEP.undo(act(aws), found.outputs)


async def test_refused_and_throttled_did_not_happen(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", SUSPEND, mode)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert await effects("aws", SUSPEND) == 0
