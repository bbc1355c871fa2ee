"""`aws.s3_restore_archived`: asked once, awaited until it can be read."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.s3_restore_archived import S3RestoreArchived
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = S3RestoreArchived(bucket="example-backups-archive", key="checkout/daily.sql.gz", region="us-east-1")
RESTORE = "POST /example-backups-archive/checkout/daily.sql.gz"


async def test_it_is_asked_once_and_awaited(act: Any, world: Any, aws: Aws, effects: Any, settled: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect.endswith("from GLACIER for 7 days (standard)") and "3-5 hours" in plan.warnings[0]
    assert await effects("aws", RESTORE) == 0
    done = await STEP.run(act(aws))
    early = await STEP.verify(world(aws), done)
    assert early.ok is None and early.text.endswith("is being restored") and early.again_in == 300
    with pytest.raises(Refused, match="being restored already"):
        await STEP.run(act(aws))

    async def readable() -> Any:
        return (await STEP.verify(world(aws), done)).ok

    assert await settled(readable) and await effects("aws", RESTORE) == 1
    for change, words in (
        ({}, "can be read already"), ({"key": "none"}, "no object"),
        ({"bucket": "example-backups", "key": "checkout/older.sql.gz", "region": ""}, "can be read already"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=words):
            await STEP.model_copy(update=change).plan(world(aws))


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str, happened: bool
) -> None:
    for way, kind in (("429", Temporary), ("error:AccessDenied", Refused), (mode, Uncertain)):
        await sb.fail("aws", RESTORE, way)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    found = await STEP.reconcile(world(aws))
    assert found.happened is happened and (found.outputs is not None) is happened
