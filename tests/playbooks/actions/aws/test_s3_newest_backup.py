"""`aws.s3_newest_backup`: the newest that is safe, whole and large enough; anything else is refused by name."""

from __future__ import annotations

import gzip
import os
from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.s3_newest_backup import S3NewestBackup, _broken
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary

STEP = S3NewestBackup(bucket="example-backups", prefix="checkout/", suffix=".sql.gz")
NEWEST = "checkout/newest.sql.gz"


async def put(aws: Aws, key: str, body: bytes, **more: Any) -> Any:
    return await aws._call("s3", "put_object", write=True, Bucket="example-backups", Key=key, Body=body, **more)


async def test_the_newest_is_found_and_tested(world: Any, aws: Aws) -> None:
    seen = await STEP.look(world(aws))
    assert (seen.key, seen.tested, seen.readable, seen.storage) == (NEWEST, "whole", True, "STANDARD")
    assert 3590 <= seen.age_s < 4000 and seen.version
    assert f"s3://example-backups/{NEWEST}" in (await STEP.plan(world(aws))).effect
    await put(aws, "checkout/large.sql.gz", gzip.compress(os.urandom((1 << 20) + 5000)))
    ends = await STEP.look(world(aws))
    assert (ends.key, ends.tested, ends.age_s) == ("checkout/large.sql.gz", "ends", 0)
    await put(aws, "checkout/notes.txt", b"x", ChecksumAlgorithm="SHA256")
    other = await STEP.model_copy(update={"suffix": ".txt"}).look(world(aws))
    assert other.tested == "nothing" and other.sha256.startswith("2d711642")


async def test_what_was_overwritten_since_does_not_count(world: Any, aws: Aws, now: Any) -> None:
    """The same key, encrypted by somebody after the safe time: the version before is what was safe."""
    first = await STEP.look(world(aws))
    await put(aws, NEWEST, b"your files are encrypted")
    with pytest.raises(Refused, match="does not begin as a gzip"):
        await STEP.look(world(aws))
    safe = await STEP.model_copy(update={"at": now - timedelta(minutes=30)}).look(world(aws))
    assert (safe.key, safe.version, safe.sha256) == (NEWEST, first.version, first.sha256)
    assert 1790 <= safe.age_s < 2200, "its age is counted from the safe time"
    early = await STEP.model_copy(update={"at": now - timedelta(hours=3)}).look(world(aws))
    assert early.key == "checkout/older.sql.gz"


async def test_too_old_too_small_none_at_all(world: Any, aws: Aws, now: Any) -> None:
    for change, words in (
        ({"max_age": timedelta(minutes=30)}, "is .* old; at most 30m"), ({"min_size": 10**6}, "fewer than 1000000"),
        ({"at": now - timedelta(days=9)}, "no backup .* written at or before .* were written later"),
        ({"prefix": "none/"}, "no backup s3://example-backups/none/"), ({"bucket": "no-such-bucket"}, "NoSuchBucket"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=words):
            await STEP.model_copy(update=change).look(world(aws))


async def test_an_archived_one_is_found_and_not_read(world: Any, aws: Aws, sb: SandboxClient) -> None:
    step = S3NewestBackup(bucket="example-backups-archive", prefix="checkout/", region="us-east-1")
    seen = await step.look(world(aws))
    assert (seen.storage, seen.readable, seen.tested) == ("GLACIER", False, "nothing") and "archived" in step.say(seen)
    for where in ("GET /example-backups", f"HEAD /example-backups/{NEWEST}", f"GET /example-backups/{NEWEST}"):
        await sb.fail("aws", where, "503")
        with pytest.raises(Temporary):
            await STEP.look(world(aws))


def test_each_way_a_file_can_be_broken_is_said() -> None:
    good = gzip.compress(b"orders" * 100)
    large = gzip.compress(os.urandom(5000))
    for body, whole, said in (
        (good, True, ""), (large[:-2000], True, "its end is missing"), (b"PK" + good, True, "does not begin"),
        (good[:-8] + b"\1" * 8, True, "cannot be unpacked"), (gzip.compress(b""), True, "nothing in it"),
        (large[:-8] + bytes(8), False, "nothing but zeros"), (large, False, ""),
    ):  # fmt: skip
        told = _broken(body if whole else body[:1000], body[-8:], whole=whole)
        assert said in told and bool(told) is bool(said), (said, told)
