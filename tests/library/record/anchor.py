"""`record/anchor`: a channel, a file and a bucket, each with the heads once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from playbooks.connectors.aws import Aws
from storage import timeline
from tests.library.entry import Entry
from tests.library.stage import Stage


async def prepare(stage: Stage) -> None:
    """Where the timeline ends now; and a bucket made with object lock, as its owner would."""
    head = await stage.db.read(lambda tx: timeline.head(tx, timeline.ORG))
    stage.keep["bucket"] = f"anchors-{uuid4().hex}"  # buckets have names of their own in the whole world
    stage.keep["head"] = f"org@{head.seq}:sha256:{head.hash}"
    await stage.tool(Aws)._call(
        "s3", "create_bucket", write=True, Bucket=stage.keep["bucket"], ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-north-1"},
    )  # fmt: skip


def inputs(stage: Stage) -> Mapping[str, Any]:
    """All three places."""
    return {
        "heads": [stage.keep["head"]], "at": "2026-11-22T08:00:00Z", "channel": "C0INCIDENTS",
        "file": str(stage.folder / "anchors.jsonl"), "bucket": stage.keep["bucket"], "prefix": "muster/",
        "retain_s": 86400, "mode": "compliance",
    }  # fmt: skip


async def anchored(stage: Stage) -> None:
    """The channel, the file and the bucket hold the head."""
    assert len(stage.posts("incidents")) == 1
    assert len((stage.folder / "anchors.jsonl").read_text().splitlines()) == 1
    kept = await stage.tool(Aws)._call("s3", "list_objects_v2", write=False, Bucket=stage.keep["bucket"])
    assert len(kept["Contents"]) == 1


ENTRY = Entry(
    inputs=inputs, incident=None, prepare=prepare, check=anchored,
    policy={"  # file: /var/log/muster/anchors.jsonl ": "  file: {folder}/anchors.jsonl "},
)  # fmt: skip
