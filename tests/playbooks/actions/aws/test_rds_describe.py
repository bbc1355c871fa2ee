"""`aws.rds_describe`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.rds_describe import RdsDescribe
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
