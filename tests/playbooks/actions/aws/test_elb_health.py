"""`aws.elb_health`: counts who takes traffic, and never calls an empty group healthy."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.aws_seed import AWAY_GROUP, GROUP
from playbooks.actions.aws.elb_health import ElbHealth
from playbooks.connectors.aws import Aws
from playbooks.errors import NotYet, Refused

pytestmark = pytest.mark.usefixtures("balancers")


async def test_it_counts_and_waits(world: Any, aws: Aws) -> None:
    step = ElbHealth(target_group=GROUP, at_least=2)
    seen = await step.look(world(aws))
    assert (seen.healthy, seen.targets, seen.states) == (2, 2, {"healthy": 2})
    assert step.say(seen) == "targetgroup/checkout: 2 of 2 targets healthy"
    with pytest.raises(NotYet, match="2 of 2 targets of targetgroup/checkout are healthy, 3 are wanted"):
        await ElbHealth(target_group=GROUP, at_least=3).look(world(aws))
    assert (await ElbHealth(target_group=AWAY_GROUP, region="eu-west-1").look(world(aws))).healthy == 2


async def test_no_such_group_is_refused(world: Any, aws: Aws) -> None:
    with pytest.raises(Refused, match="TargetGroupNotFound"):
        await ElbHealth(target_group=AWAY_GROUP).look(world(aws))
