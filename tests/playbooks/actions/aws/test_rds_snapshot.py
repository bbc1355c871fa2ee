"""`aws.rds_snapshot`: one snapshot under its name, told from somebody else's by its tag."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.rds_snapshot import RdsSnapshot, Snapshot
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = RdsSnapshot(instance="orders-db", snapshot="orders-db-before-inc-1")
MAKE = "CreateDBSnapshot"


async def test_it_is_made_once_and_awaited(act: Any, world: Any, aws: Aws, effects: Any, settled: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Take a snapshot of orders-db as orders-db-before-inc-1" and plan.warnings == ()
    nothing = Snapshot(snapshot=STEP.snapshot, instance="orders-db")
    assert (await STEP.verify(world(aws), nothing)).ok is None and await effects("aws", MAKE) == 0
    done = await STEP.run(act(aws))
    early = await STEP.verify(world(aws), done)
    assert early.ok is None and early.text.endswith("is creating")
    assert await STEP.run(act(aws)) == done, "a repeat of the attempt finds its own"
    with pytest.raises(Refused, match="AlreadyExists"):
        await STEP.run(act(aws, key="key-2"))
    with pytest.raises(Refused, match="already"):
        await STEP.plan(world(aws))

    async def there() -> Any:
        return (await STEP.verify(world(aws), done)).ok

    assert await settled(there)
    assert (await STEP.reconcile(world(aws, key="key-2"))).happened is False, "somebody else's"


async def test_a_busy_instance_and_none_at_all(act: Any, world: Any, aws: Aws, sb: SandboxClient) -> None:
    await sb.instance("orders-db", status="backing-up", multi_az=False)
    with pytest.raises(Refused, match="is backing-up"):
        await STEP.plan(world(aws))
    with pytest.raises(Refused, match="InvalidDBInstanceState"):
        await STEP.run(act(aws))
    await sb.instance("orders-db", status="available")
    assert "Single-AZ" in (await STEP.plan(world(aws))).warnings[0]
    with pytest.raises(Refused, match="DBInstanceNotFound"):
        await STEP.model_copy(update={"instance": "none"}).run(act(aws))


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found_by_its_tag(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, effects: Any, mode: str, happened: bool
) -> None:
    for way, kind in (("429", Temporary), ("error:AccessDenied", Refused), (mode, Uncertain)):
        await sb.fail("aws", MAKE, way)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert (await STEP.reconcile(world(aws))).happened is happened
    await STEP.run(act(aws))
    assert (await STEP.reconcile(world(aws))).happened is True
