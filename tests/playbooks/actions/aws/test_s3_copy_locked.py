"""`aws.s3_copy_locked`: one copy, compared and locked, told from somebody else's by our key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.s3_copy_locked import SETTLED_S, S3CopyLocked
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP = S3CopyLocked(
    bucket="example-backups", key="checkout/older.sql.gz", to_bucket="example-backups-offsite",
    retain=timedelta(days=30), to_region="eu-west-1",
)  # fmt: skip
COPY = "PUT /example-backups-offsite/checkout/older.sql.gz"


async def test_the_copy_is_compared_and_locked(act: Any, world: Any, aws: Aws, effects: Any, now: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect.startswith("Copy s3://example-backups/checkout/older.sql.gz (")
    assert plan.effect.endswith("to s3://example-backups-offsite/checkout/older.sql.gz, locked for 30d (governance)")
    assert "only sizes are compared" in plan.warnings[0] and await effects("aws", COPY) == 0
    done = await STEP.run(act(aws))
    seen = await STEP.verify(world(aws), done)
    assert seen.ok is True and "locked until" in seen.text and done.until == now + timedelta(days=30)
    for wrong in ({"size": done.size + 1}, {"sha256": "0" * 64}, {"until": now + timedelta(days=60)}):
        look = await STEP.verify(world(aws), done.model_copy(update=wrong))
        assert look.ok is False, wrong
    with pytest.raises(Refused, match="already"):
        await STEP.run(act(aws))
    assert (await STEP.reconcile(world(aws, key="key-2"))).happened is False, "somebody else's"
    with pytest.raises(Refused, match="AccessDenied"):
        copied = await aws.at("eu-west-1").s3_object("example-backups-offsite", "checkout/older.sql.gz")
        await aws._call("s3", "delete_object", write=True, Bucket="example-backups-offsite",
                        Key="checkout/older.sql.gz", VersionId=copied.version if copied else "")  # fmt: skip


async def test_a_known_checksum_is_compared(act: Any, world: Any, aws: Aws) -> None:
    await aws._call("s3", "put_object", write=True, Bucket="example-backups", Key="x", Body=b"x",
                    ChecksumAlgorithm="SHA256")  # fmt: skip
    known = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    step = STEP.model_copy(update={"key": "x", "sha256": known})
    assert (await step.plan(world(aws))).warnings == ()
    assert (await step.verify(world(aws), await step.run(act(aws)))).text.startswith("same SHA-256")
    with pytest.raises(Refused, match="It was not copied"):
        await step.model_copy(update={"sha256": "0" * 64}).plan(world(aws))


async def test_what_cannot_be_copied_is_refused(act: Any, world: Any, aws: Aws) -> None:
    archive = {"bucket": "example-backups-archive", "key": "checkout/daily.sql.gz", "region": "us-east-1"}
    for change, words in (
        ({"key": "none"}, "There is no object"), (archive, "is archived"), ({"to_key": "checkout/newest.sql.gz"}, "already"),
    ):  # fmt: skip
        for call in (STEP.model_copy(update=change).plan(world(aws)), STEP.model_copy(update=change).run(act(aws))):
            with pytest.raises(Refused, match=words):
                await call


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found_by_our_key(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await STEP.plan(world(aws))
    for way, kind in (("429", Temporary), ("error:AccessDenied", Refused), (mode, Uncertain)):
        await sb.fail("aws", COPY, way)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    found = await STEP.reconcile(world(aws))
    assert found.happened is (True if happened else None)
    assert (await STEP.reconcile(world(aws, later_s=SETTLED_S + 1))).happened is happened
    assert not happened or (await STEP.verify(world(aws), found.outputs)).ok is True
