"""`record.anchor_s3`: against S3 with object lock."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from playbooks.actions.record.anchor_s3 import AnchorS3
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused

HEADS = ("INC-42@41:sha256:" + "a" * 64,)
AT = "2026-11-22T05:00:00.000000Z"
STEP = AnchorS3(bucket="anchors", prefix="muster/", at=AT, retain_s=86_400 * 30, heads=HEADS)


def _read(client: Any, bucket: str, key: str) -> bytes:
    return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())


@pytest.fixture
async def s3(env: dict[str, str], aws: Aws) -> Any:
    """The bucket's owner: two buckets, one with object lock."""
    client = boto3.client(
        "s3", endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_DEFAULT_REGION"],
        aws_access_key_id="sandbox", aws_secret_access_key="sandbox",
    )  # fmt: skip
    client.open = f"open-{uuid4().hex}"  # names of buckets are the whole world's, also in the stand-in
    client.step = STEP.model_copy(update={"bucket": f"anchors-{uuid4().hex}"})
    place = {"LocationConstraint": env["AWS_DEFAULT_REGION"]}

    def make() -> None:
        client.create_bucket(
            Bucket=client.step.bucket, ObjectLockEnabledForBucket=True, CreateBucketConfiguration=place
        )
        client.create_bucket(Bucket=client.open, CreateBucketConfiguration=place)

    await asyncio.to_thread(make)
    yield client
    client.close()


async def test_the_object_is_locked_and_a_repeat_makes_no_second(
    carry: Any, world: Any, aws: Aws, s3: Any, effects: Any
) -> None:
    plan = await s3.step.plan(world(aws))
    assert (
        plan.effect.startswith(f"Put s3://{s3.step.bucket}/muster/20261122T050000000000Z-")
        and "INC-42 at 41" in plan.effect
    )
    done = await s3.step.run(carry(aws))
    assert await s3.step.run(carry(aws)) == done
    found = await asyncio.to_thread(s3.list_object_versions, Bucket=s3.step.bucket)
    (version,) = found["Versions"]
    body = await asyncio.to_thread(_read, s3, s3.step.bucket, done.key)
    assert json.loads(body) == {"at": AT, "hash": "a" * 64, "seq": 41, "stream": "INC-42"}
    seen = await s3.step.verify(world(aws), done)
    assert seen.ok and "is locked until" in seen.text
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        await asyncio.to_thread(
            s3.delete_object, Bucket=s3.step.bucket, Key=done.key, VersionId=version["VersionId"],
        )  # fmt: skip
    locked = await aws.s3_object(s3.step.bucket, done.key)
    assert locked and locked.lock_mode == "COMPLIANCE" and locked.retain_until
    assert locked.retain_until > datetime.now(UTC) + timedelta(days=29)


async def test_an_object_that_is_not_locked_is_no_anchor(world: Any, aws: Aws, s3: Any, carry: Any) -> None:
    done = await s3.step.run(carry(aws))
    await asyncio.to_thread(s3.put_object, Bucket=s3.open, Key="x", Body=b"{}")
    seen = await s3.step.verify(world(aws), done.model_copy(update={"bucket": s3.open, "key": "x"}))
    assert seen.ok is False and "not locked" in seen.text
    missing = await s3.step.verify(world(aws), done.model_copy(update={"key": "none"}))
    assert missing.ok is None


async def test_a_bucket_that_is_not_there_is_refused(carry: Any, aws: Aws, s3: Any) -> None:
    with pytest.raises(Refused, match="NoSuchBucket"):
        await s3.step.model_copy(update={"bucket": "nowhere"}).run(carry(aws))
