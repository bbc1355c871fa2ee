"""S3: objects, their versions, locks and archive tiers. Part of `aws.py`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws_client import AwsClient
from playbooks.errors import Refused

MOST_RANGE = 1 << 20  # bytes of one ranged read
MOST_VERSIONS = 10_000  # of one listing: what `_all` stops at
ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
NOTE = "muster"  # metadata: the key of the step that made an object
NONE = "null"  # the version id of objects in a bucket without versions


@dataclass(frozen=True)
class S3Object:
    """An object of S3. lock_mode: COMPLIANCE, GOVERNANCE or ""; retain_until: UTC, None where it is not locked.

    size: bytes; sha256: hex of the whole object, "" where AWS keeps none; storage: class ("STANDARD"); restore: ""
    when nothing was asked, "ongoing", or "done" while a readable copy of an archived one is there; note: the key of the
    step that copied it here, "" for others.
    """

    bucket: str
    key: str
    version: str
    lock_mode: str
    retain_until: datetime | None
    size: int = 0
    etag: str = ""
    sha256: str = ""
    storage: str = "STANDARD"
    restore: str = ""
    note: str = ""

    @property
    def readable(self) -> bool:
        """Whether its bytes can be read now, which those of archived objects cannot."""
        return self.storage not in ARCHIVES or self.restore == "done"


@dataclass(frozen=True)
class S3Version:
    """A version in a listing. version: "" in a bucket without versions; at: when it was written (UTC)."""

    key: str
    version: str
    at: datetime
    size: int
    latest: bool


class S3Reads(AwsClient):
    """What can be asked of S3."""

    async def s3_object(self, bucket: str, key: str, version: str = "") -> S3Object | None:
        """What is known of an object without reading it; None when there is none."""
        try:
            found = await self._call(
                "s3", "head_object", write=False, Bucket=bucket, Key=key, ChecksumMode="ENABLED", **_version(version)
            )
        except ServiceRefused as error:
            if error.code in ("404", "NoSuchKey", "NoSuchVersion"):
                return None
            raise
        return _object(bucket, key, found)

    async def s3_versions(self, bucket: str, prefix: str) -> list[S3Version]:
        """All versions of the objects below a prefix, in S3's order. Refused when they are too many to know the newest.

        In a bucket without versions, each object is one.
        """
        raw = await self._all("s3", "list_object_versions", "Versions", Bucket=bucket, Prefix=prefix)
        if len(raw) >= MOST_VERSIONS:
            raise Refused(f"There are more than {MOST_VERSIONS} objects below {prefix!r} in {bucket}: which is the "
                          "newest cannot be told.", todo="Name a narrower prefix.")  # fmt: skip
        return [
            S3Version(str(one["Key"]), _plain(one.get("VersionId")), one["LastModified"], int(one.get("Size") or 0),
                      bool(one.get("IsLatest")))
            for one in raw
        ]  # fmt: skip

    async def s3_bytes(self, found: S3Object, start: int, length: int) -> bytes:
        """Some bytes of an object, at most a MiB. Refused InvalidObjectState for an archived one."""
        end = min(start + min(length, MOST_RANGE), found.size) - 1
        if end < start:
            return b""

        def look() -> Mapping[str, Any]:
            asked = {"Bucket": found.bucket, "Key": found.key, "Range": f"bytes={start}-{end}"}
            told = self._send("s3", "get_object", False, {**asked, **_version(found.version)})
            return {"bytes": self._told("s3 get_object", told["Body"].read, False)}

        return bytes((await self._in_thread("s3 get_object", look, False))["bytes"])


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

    async def s3_copy_locked(
        self, source: S3Object, bucket: str, key: str, *, until: datetime, mode: str, note: str
    ) -> None:
        """Copy an object (at most 5 GiB) inside S3, locked from the start; S3 makes its SHA-256.

        note: our key, kept with the copy in place of the source's metadata. Refused PreconditionFailed when the source
        changed.
        """
        whence = {"Bucket": source.bucket, "Key": source.key, **_version(source.version)}
        await self._call(
            "s3", "copy_object", write=True, Bucket=bucket, Key=key, CopySource=whence, CopySourceIfMatch=source.etag,
            ChecksumAlgorithm="SHA256", ObjectLockMode=mode, ObjectLockRetainUntilDate=until,
            MetadataDirective="REPLACE", Metadata={NOTE: note},
        )  # fmt: skip

    async def s3_restore(self, found: S3Object, days: int, tier: str) -> None:
        """Ask for a readable copy of an archived object for some days. tier: Expedited, Standard or Bulk."""
        request = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        await self._call(
            "s3", "restore_object", write=True, Bucket=found.bucket, Key=found.key, RestoreRequest=request,
            **_version(found.version),
        )  # fmt: skip


def _version(version: str) -> dict[str, str]:
    return {"VersionId": version} if version else {}


def _plain(version: Any) -> str:
    return "" if version in (None, NONE) else str(version)


def _object(bucket: str, key: str, raw: Mapping[str, Any]) -> S3Object:
    restore = str(raw.get("Restore") or "")
    if restore:
        restore = "ongoing" if 'ongoing-request="true"' in restore else "done"
    return S3Object(
        bucket, key, _plain(raw.get("VersionId")), str(raw.get("ObjectLockMode") or ""),
        raw.get("ObjectLockRetainUntilDate"), int(raw.get("ContentLength") or 0), str(raw.get("ETag") or ""),
        _hex(str(raw.get("ChecksumSHA256") or "")), str(raw.get("StorageClass") or "STANDARD"), restore,
        str((raw.get("Metadata") or {}).get(NOTE) or ""),
    )  # fmt: skip


def _hex(checksum: str) -> str:
    """AWS's base64 of a whole object's SHA-256 as hex; "" for that of parts ("...-3")."""
    try:
        return base64.b64decode(checksum, validate=True).hex()
    except binascii.Error:
        return ""
