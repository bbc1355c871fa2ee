"""`aws.rds_restore`: a new instance with the service's own network, and only a new one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Risk
from playbooks.actions.aws.rds_restore import RdsRestore
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

RESTORE = "RestoreDBInstanceToPointInTime"


@pytest.fixture
def step(now: datetime) -> RdsRestore:
    at = now - timedelta(minutes=10)
    return RdsRestore(
        source="orders-db", target="orders-db-pitr", at=at, subnet_group="orders", parameter_group="orders-pg15"
    )


async def test_it_makes_a_new_instance_beside_the_old(
    act: Any, world: Any, aws: Aws, step: RdsRestore, effects: Any, settled: Any
) -> None:
    plan = await step.plan(world(aws))
    assert plan.targets == ("rds:orders-db-pitr",) and f"as of {step.at:%Y-%m-%d %H:%M:%S} UTC" in plan.effect
    assert step.risk is Risk.WRITE and await effects("aws", RESTORE) == 0
    assert "not listed" in (await step.verify(world(aws), None)).text
    done = await step.run(act(aws, key="muster:INC-1/1:1:1"))

    async def there() -> Any:
        return (await step.verify(world(aws), done)).ok

    assert await settled(there)
    made = await aws.rds_instance("orders-db-pitr")
    assert made.multi_az and not made.replica_of, "AWS's default would be a single zone"
    with pytest.raises(Refused, match="already"):
        await step.run(act(aws))
    assert "Delete orders-db-pitr" in (await step.plan_undo(world(aws), done)).effect
    assert step.undo_risk() is Risk.IRREVERSIBLE
    await step.undo(act(aws), done)
    assert (await step.verify_undo(world(aws), done)).ok and (await step.reconcile_undo(world(aws), done)).happened
    with pytest.raises(Refused, match="another instance"):
        await step.undo(act(aws), done.model_copy(update={"instance": "orders-db"}))


async def test_a_time_that_cannot_be_restored_is_refused(
    act: Any, world: Any, aws: Aws, step: RdsRestore, now: datetime, effects: Any
) -> None:
    future = step.model_copy(update={"at": now + timedelta(hours=1)})
    with pytest.raises(Refused, match="lies in the future"):
        await future.plan(world(aws))
    with pytest.raises(Refused, match="can be restored up to"):
        await future.plan(world(aws, later_s=7200))
    with pytest.raises(Refused, match="DBInstanceNotFound"):
        await step.model_copy(update={"source": "none"}).run(act(aws))
    assert await effects("aws", RESTORE) == 0


@pytest.mark.parametrize("mode", ["timeout_after", "timeout_before"])
async def test_a_lost_answer_is_found_by_its_tag(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, step: RdsRestore, mode: str
) -> None:
    await step.plan(world(aws))
    await sb.fail("aws", RESTORE, mode)
    with pytest.raises(Uncertain):
        await step.run(act(aws))
    found = await step.reconcile(world(aws))
    assert found.happened is (mode == "timeout_after")
    if found.happened:
        assert (await step.reconcile(world(aws, key="another"))).happened is None, "somebody else's"


async def test_refused_and_throttled_did_not_happen(
    act: Any, aws: Aws, sb: SandboxClient, step: RdsRestore, effects: Any
) -> None:
    await aws.rds_instance("orders-db")
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", RESTORE, mode)
        with pytest.raises(kind):
            await step.run(act(aws))
    assert await effects("aws", RESTORE) == 0
