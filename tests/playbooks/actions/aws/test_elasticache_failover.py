"""`aws.elasticache_failover`: the primary role moves once, and nothing else counts as moved."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.actions.aws.elasticache_failover import SETTLED_S, ElastiCacheFailover, FailedOver
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = ElastiCacheFailover(group="checkout-cache", from_primary="checkout-cache-001")
FAILOVER, MODIFY = "TestFailover", "ModifyReplicationGroup"
UNTOUCHED = FailedOver(group="checkout-cache", node_group="0001", from_primary="checkout-cache-001")


def group(sandbox: Sandbox) -> Any:
    return sandbox.aws.caches.backend("eu-north-1").replication_groups["checkout-cache"]


async def test_the_primary_moves_once(act: Any, world: Any, aws: Aws, effects: Any, settled: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Fail checkout-cache (0001) over: checkout-cache-001 -> one of checkout-cache-002"
    assert plan.targets == ("cache:checkout-cache",) and "asynchronous" in plan.data_loss
    assert (await STEP.verify(world(aws), UNTOUCHED)).ok is None and await effects("aws", FAILOVER) == 0
    done = await STEP.run(act(aws))
    assert done == UNTOUCHED
    early = await STEP.verify(world(aws), done)
    assert early.ok is None and early.text == "modifying, primary checkout-cache-001"
    with pytest.raises(Refused, match="is modifying"):
        await STEP.run(act(aws))

    async def moved() -> Any:
        seen = await STEP.verify(world(aws), done)
        return seen if seen.ok else None

    assert (await settled(moved)).text == "checkout-cache-002 is the primary" and await effects("aws", FAILOVER) == 1
    with pytest.raises(Refused, match="has moved already"):
        await STEP.run(act(aws))


async def test_without_automatic_failover_a_primary_is_named(
    act: Any, world: Any, aws: Aws, sandbox: Sandbox, effects: Any, settled: Any
) -> None:
    await STEP.plan(world(aws))
    group(sandbox).automatic_failover = "disabled"
    assert (await STEP.plan(world(aws))).effect.endswith("checkout-cache-001 -> checkout-cache-002")
    done = await STEP.model_copy(update={"from_primary": ""}).run(act(aws))
    assert await effects("aws", MODIFY) == 1 and await effects("aws", FAILOVER) == 0

    async def moved() -> Any:
        return (await STEP.verify(world(aws), done)).ok

    assert await settled(moved)


async def test_what_cannot_be_failed_over_is_refused(world: Any, aws: Aws, sandbox: Sandbox) -> None:
    for change, words in (({"group": "none"}, "ReplicationGroupNotFound"), ({"node_group": "0009"}, "0009 was named")):
        with pytest.raises(Refused, match=words):
            await STEP.model_copy(update=change).plan(world(aws))
    members = group(sandbox).node_groups[0]["node_group_members"]
    kept = members.pop()
    with pytest.raises(Refused, match="no replica"):
        await STEP.plan(world(aws))
    members.append(kept)
    for one in members:
        del one["current_role"]
    with pytest.raises(Refused, match="cluster mode"):
        await STEP.plan(world(aws))


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await STEP.plan(world(aws))
    await sb.fail("aws", FAILOVER, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    early = await STEP.reconcile(world(aws))
    assert early.happened is (True if happened else None)
    assert (await STEP.reconcile(world(aws, later_s=SETTLED_S + 1))).happened is happened
    blind = STEP.model_copy(update={"from_primary": ""})
    assert (await blind.reconcile(world(aws, later_s=SETTLED_S + 1))).happened is None


async def test_refused_and_throttled_did_not_happen(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    await aws.cache_group("checkout-cache")
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", FAILOVER, mode)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert await effects("aws", FAILOVER) == 0
