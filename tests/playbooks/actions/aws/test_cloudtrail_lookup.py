"""`aws.cloudtrail_lookup`: what a key did, counted, newest first, and honest about what is not known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.sandbox.aws_cloudtrail import LEAKED, Event
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.actions.aws.cloudtrail_lookup import CloudtrailLookup
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary

STEP = CloudtrailLookup(key=LEAKED)


async def test_what_a_leaked_key_did_and_from_where(world: Any, aws: Aws, effects: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect.endswith(f"what was done with {LEAKED} in the site's region and us-east-1")
    seen = await STEP.look(world(aws))
    assert (seen.total, seen.more) == (4, False) and seen.addresses == {"192.0.2.7": 3, "198.51.100.23": 1}
    assert seen.errors == {"AccessDenied": 2} and seen.calls["iam ListUsers"] == 1
    assert seen.newest[0].endswith("secretsmanager GetSecretValue (AccessDenied) in eu-north-1 from 198.51.100.23")
    assert seen.first_at is not None and seen.last_at is not None and seen.first_at < seen.last_at
    assert STEP.say(seen).startswith(f"{LEAKED}: 4 calls from 2 addresses, the last ")
    late = await STEP.model_copy(update={"window": timedelta(minutes=88, seconds=30)}).look(world(aws))
    assert late.total == 2, "only what was within the window"
    none = await STEP.model_copy(update={"regions": ["eu-west-1"]}).look(world(aws))
    assert (none.total, none.last_at) == (0, None) and "may be missing" in STEP.say(none)
    assert await effects("aws", "LookupEvents") == 0


async def test_our_own_calls_are_there_and_pages_are_followed(world: Any, aws: Aws, sandbox: Sandbox) -> None:
    await aws.rds_instance("orders-db")
    mine = await CloudtrailLookup.model_construct(
        key="sandbox", window=timedelta(days=1), until=None, regions=[""], limit=200
    ).look(world(aws, later_s=60))  # fmt: skip
    assert mine.calls == {"rds DescribeDBInstances": 1} and mine.addresses == {"127.0.0.1": 1}
    now = world(aws).now.timestamp()
    sandbox.aws.trail.events += [
        Event(now - n, LEAKED, "eu-north-1", "s3", f"GetBucket{n}", "192.0.2.9", "") for n in range(1, 71)
    ]
    step = STEP.model_copy(update={"regions": [""], "limit": 60})
    seen = await step.look(world(aws))
    assert (seen.total, seen.more, len(seen.newest), len(seen.calls)) == (60, True, 20, 30)
    assert "s3 GetBucket1 in" in seen.newest[0] and STEP.say(seen).startswith(f"{LEAKED}: more than 60 calls")


async def test_refused_and_throttled(world: Any, aws: Aws, sb: SandboxClient) -> None:
    for mode, kind in (("429", Temporary), ("error:AccessDeniedException", Refused)):
        await sb.fail("aws", "LookupEvents", mode)
        with pytest.raises(kind):
            await STEP.look(world(aws))
    with pytest.raises(ValidationError):
        CloudtrailLookup(key="not a key")
