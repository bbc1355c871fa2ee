"""`aws.rds_cluster_failover`: the writer moves once to an available reader, and a status does not fool it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.rds_cluster_failover import SETTLED_S, RdsClusterFailover
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = RdsClusterFailover(cluster="ledger", from_writer="ledger-1")
FAILOVER = "FailoverDBCluster"


async def test_the_writer_moves_once(act: Any, world: Any, aws: Aws, effects: Any, settled: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Fail the Aurora cluster ledger over: ledger-1 -> ledger-2"
    assert plan.targets == ("rds:ledger",) and plan.data_loss_s == 0 and await effects("aws", FAILOVER) == 0
    done = await STEP.run(act(aws))
    early = await STEP.verify(world(aws), done)
    assert early.ok is None and early.text == "failing-over, ledger-1 writes"
    with pytest.raises(Refused, match="is failing-over"):
        await STEP.run(act(aws))

    async def moved() -> Any:
        return (await STEP.verify(world(aws), done)).ok

    assert await settled(moved) and await effects("aws", FAILOVER) == 1
    with pytest.raises(Refused, match="has moved already"):
        await STEP.run(act(aws))


async def test_what_cannot_be_failed_over_is_refused(world: Any, aws: Aws, sb: SandboxClient) -> None:
    for change, words in (({"cluster": "none"}, "DBClusterNotFound"), ({"to_writer": "ledger-1"}, "is no reader")):
        with pytest.raises(Refused, match=words):
            await STEP.model_copy(update=change).plan(world(aws))
    await sb.instance("ledger-2", status="rebooting")
    for change in ({}, {"to_writer": "ledger-2"}):
        with pytest.raises(Refused, match="no available reader"):
            await STEP.model_copy(update=change).plan(world(aws))


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, settled: Any, mode: str, happened: bool
) -> None:
    await STEP.plan(world(aws))
    for way, kind in (("429", Temporary), ("error:AccessDenied", Refused), (mode, Uncertain)):
        await sb.fail("aws", FAILOVER, way)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert (await STEP.reconcile(world(aws))).happened is None, "too early to tell"

    async def told() -> Any:
        return (await STEP.reconcile(world(aws, later_s=SETTLED_S + 1))).happened is happened

    assert await settled(told)
    blind = STEP.model_copy(update={"from_writer": ""})
    assert (await blind.reconcile(world(aws, later_s=SETTLED_S + 1))).happened is None
