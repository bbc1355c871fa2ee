"""`aws.elasticache_reboot`: the nodes reboot once, seen by AWS's events and not by a status."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.action import Risk
from playbooks.actions.aws.elasticache_reboot import SETTLED_S, ElastiCacheReboot, Rebooted
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = ElastiCacheReboot(cluster="checkout-cache-001", nodes=["0001"])
REBOOT = "RebootCacheCluster"


async def test_it_reboots_once_and_a_status_does_not_fool_it(
    act: Any, world: Any, aws: Aws, effects: Any, settled: Any, now: Any
) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Reboot checkout-cache-001: node 0001" and plan.targets == ("cache:checkout-cache-001",)
    assert "primary of checkout-cache" in plan.warnings[1] and STEP.risk is Risk.RECOVERABLE
    assert len((await STEP.model_copy(update={"cluster": "checkout-cache-002"}).plan(world(aws))).warnings) == 1
    untouched = Rebooted(cluster="checkout-cache-001", nodes=["0001"], since=now)
    assert (await STEP.verify(world(aws), untouched)).ok is None, "available, but nothing has happened"
    assert await effects("aws", REBOOT) == 0
    done = await STEP.model_copy(update={"nodes": []}).run(act(aws))
    assert done.nodes == ["0001"]
    early = await STEP.verify(world(aws), done)
    assert early.ok is None and "rebooting cluster nodes" in early.text
    with pytest.raises(Refused, match="is rebooting"):
        await STEP.run(act(aws))

    async def back() -> Any:
        return (await STEP.verify(world(aws), done)).ok

    assert await settled(back) and await effects("aws", REBOOT) == 1


async def test_it_refuses_what_aws_would_not_reboot(act: Any, world: Any, aws: Aws, sandbox: Sandbox) -> None:
    for change, words in (({"cluster": "none"}, "CacheClusterNotFound"), ({"nodes": ["0007"]}, "has no node 0007")):
        with pytest.raises(Refused, match=words):
            await STEP.model_copy(update=change).plan(world(aws))
    sandbox.aws.caches.backend("eu-north-1").replication_groups["checkout-cache"].cluster_enabled = True
    with pytest.raises(Refused, match="cluster mode"):
        await STEP.run(act(aws))
    with pytest.raises(Refused, match="InvalidCacheClusterState"):
        await aws.cache_reboot("checkout-cache-001", ["0001"])


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found_by_the_events(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await STEP.plan(world(aws))
    await sb.fail("aws", REBOOT, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    late = await STEP.reconcile(world(aws, later_s=SETTLED_S + 1))
    assert late.happened is happened and (late.outputs is not None) is happened
    if not happened:
        assert (await STEP.reconcile(world(aws))).happened is None, "too early to tell"


async def test_refused_and_throttled_did_not_happen(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    await aws.cache_cluster("checkout-cache-001")
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", REBOOT, mode)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert await effects("aws", REBOOT) == 0
