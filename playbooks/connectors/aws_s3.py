"""S3: objects and their locks. Part of `aws.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws_client import AwsClient


@dataclass(frozen=True)
class S3Object:
    """An object of S3. lock_mode: COMPLIANCE, GOVERNANCE or ""; retain_until: UTC, None where it is not locked."""

    bucket: str
    key: str
    version: str
    lock_mode: str
    retain_until: datetime | None


class S3Reads(AwsClient):
    """What can be asked of S3."""

    async def s3_object(self, bucket: str, key: str) -> S3Object | None:
        """What is known of an object without reading it; None when there is none."""
        try:
            found = await self._call("s3", "head_object", write=False, Bucket=bucket, Key=key)
        except ServiceRefused as error:
            if error.code in ("404", "NoSuchKey"):
                return None
            raise
        mode, until = str(found.get("ObjectLockMode") or ""), found.get("ObjectLockRetainUntilDate")
        return S3Object(bucket, key, str(found.get("VersionId") or ""), mode, until)


class S3Acts(AwsClient):
    """What can be done in S3."""

    async def s3_put_locked(self, bucket: str, key: str, body: bytes, *, until: datetime, mode: str) -> None:
        """Put an object that cannot be removed before `until`. One that stands there already is left as it is.

        mode: COMPLIANCE or GOVERNANCE. Refused by AWS where the bucket was made without object lock.
        """
        try:
            await self._call(
                "s3", "put_object", write=True, Bucket=bucket, Key=key, Body=body, IfNoneMatch="*",
                ContentType="application/jsonl", ObjectLockMode=mode, ObjectLockRetainUntilDate=until,
            )  # fmt: skip
        except ServiceRefused as error:
            if error.code != "PreconditionFailed":
                raise
