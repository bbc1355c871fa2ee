"""`aws.rds_describe`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.rds_describe import RdsDescribe
from playbooks.actions.aws.rds_failover import RdsFailover
from playbooks.connectors.aws import Aws
from playbooks.errors import NotConfigured, Refused, Temporary

STEP = RdsDescribe(instance="orders-db")


async def test_what_it_sees(world: Any, aws: Aws) -> None:
    seen = await STEP.look(world(aws))
    assert (seen.writer_zone, seen.standby_zone, seen.status) == ("eu-north-1a", "eu-north-1b", "available")
    words = "orders-db is `available`, Multi-AZ, writer in eu-north-1a, standby eu-north-1b"
    plan = await STEP.plan(world(aws))
    assert STEP.say(seen) == plan.effect == words and plan.outputs["writer_zone"] == "eu-north-1a"


async def test_failures(world: Any, aws: Aws, sb: SandboxClient) -> None:
    with pytest.raises(Refused):
        await RdsDescribe(instance="nothing-db").look(world(aws))
    await sb.fail("aws", "DescribeDBInstances", "timeout_after")
    with pytest.raises(Temporary):
        await STEP.look(world(aws))
    with pytest.raises(NotConfigured, match="AWS"):
        await STEP.look(world())


async def test_a_replica_elsewhere_and_a_cluster_say_how_far_they_are_behind(
    world: Any, aws: Aws, sb: SandboxClient
) -> None:
    away = RdsDescribe(instance="orders-db-replica", region="eu-west-1")
    seen = await away.look(world(aws))
    assert (seen.replica_of.rpartition(":")[2], seen.lag_s) == ("orders-db", 4) and "4 s behind at" in away.say(seen)
    plan = await away.plan(world(aws))
    assert "behind" not in plan.effect and "4 s behind at" in plan.notes[0]
    cluster = RdsDescribe(cluster="ledger")
    seen = await cluster.look(world(aws))
    assert (seen.instance, seen.readers, seen.cluster, seen.lag_s) == ("ledger-1", ["ledger-2"], "ledger", 0.02)
    assert cluster.say(seen).startswith("ledger is `available`, ledger-1 writes in eu-north-1")
    await sb.fail("aws", "GetMetricStatistics", "error:AccessDenied")
    seen = await away.look(world(aws))
    assert seen.lag_s is None and seen.lag.startswith("lag unknown: AWS refused cloudwatch get_metric_statistics")
    with pytest.raises(Refused):
        await RdsDescribe(instance="orders-db", region="eu-west-1").look(world(aws))
    with pytest.raises(ValueError, match="either instance or cluster"):
        RdsDescribe(instance="a", cluster="b")
    with pytest.raises(Refused, match=r"member of the Aurora cluster ledger.*rds_cluster_failover"):
        await RdsFailover(instance="ledger-1").plan(world(aws))
