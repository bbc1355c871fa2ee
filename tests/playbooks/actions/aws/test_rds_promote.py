"""`aws.rds_promote`: never beside a primary that may write, once, and believed only when it follows nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.aws.rds_promote import RdsPromote
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

PROMOTE, AWAY = "PromoteReadReplica", "eu-west-1"
STEP = RdsPromote(
    instance="orders-db-replica", fenced="its security group lets nobody in", lag=timedelta(seconds=7), region=AWAY
)


async def test_it_says_what_may_be_lost_and_promotes_once(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect.startswith("Promote orders-db-replica, read replica of ") and "orders-db" in plan.effect
    assert (plan.data_loss_s, plan.data_loss) == (7, "7 s (replica lag)") and "lets nobody in" in plan.warnings[1]
    assert (await STEP.model_copy(update={"lag": None}).plan(world(aws))).data_loss_s is None
    assert (STEP.risk, STEP.again) == (Risk.IRREVERSIBLE, Again.NEVER) and await effects("aws", PROMOTE) == 0
    follows = await STEP.verify(world(aws), None)
    assert follows.ok is None and "still follows" in follows.text, "available proves nothing"
    done = await STEP.run(act(aws))
    assert (await STEP.verify(world(aws), done)).ok is True and await effects("aws", PROMOTE) == 1
    with pytest.raises(Refused, match="no read replica"):
        await STEP.run(act(aws))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fenced": "no"}, "two databases would accept writes"),
        ({"max_lag": timedelta(seconds=5)}, "7 s behind, more than 5 s"),
        ({"instance": "orders-db", "region": "eu-north-1"}, "no read replica"),
    ],
)
async def test_it_refuses(act: Any, world: Any, aws: Aws, effects: Any, change: dict[str, Any], words: str) -> None:
    step = STEP.model_copy(update=change)
    for call in (step.plan(world(aws)), step.run(act(aws))):
        with pytest.raises(Refused, match=words):
            await call
    assert await effects("aws", PROMOTE) == 0


@pytest.mark.parametrize("mode", ["timeout_after", "timeout_before"])
async def test_a_lost_answer_is_looked_for(act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str) -> None:
    await STEP.plan(world(aws))
    await sb.fail("aws", PROMOTE, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    found = await STEP.reconcile(world(aws))
    assert found.happened is (True if mode == "timeout_after" else None)
    if mode == "timeout_before":
        assert (await STEP.reconcile(world(aws, later_s=200))).happened is False


async def test_refused_and_throttled_did_not_happen(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    await aws.at(AWAY).rds_instance("orders-db-replica")
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", PROMOTE, mode)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert await effects("aws", PROMOTE) == 0
