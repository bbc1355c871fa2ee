"""The buckets that the example policy names, with backups in them; and corrections of moto's S3, by name.

1. Restoring an archived object: moto is done at once. It takes a moment here (contract E2: hours).
2. Bucket names: moto takes a name once per process. Two sandboxes may each have theirs.
3. ``CopyObject`` with a lock: moto asks for a header that only uploads have.
Does not belong here: buckets that a test makes for itself.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

HOME, AWAY, COLD = "eu-north-1", "eu-west-1", "us-east-1"
RESTORE_S = 0.3
DUMP = gzip.compress(b"-- PostgreSQL database dump\n" + b"INSERT INTO orders VALUES (1);\n" * 40, mtime=0)
# bucket, region, object lock, its objects: key, hours ago, storage class.
BUCKETS = (
    ("example-backups", HOME, False, (
        ("checkout/older.sql.gz", 7, "STANDARD"), ("checkout/newest.sql.gz", 1, "STANDARD"),
    )),
    ("example-backups-offsite", AWAY, True, (("checkout/newest.sql.gz", 1, "STANDARD"),)),
    ("example-backups-archive", COLD, False, (("checkout/daily.sql.gz", 20, "GLACIER"),)),
    ("ecommerce-backups-production", HOME, False, (("postgres/newest.sql.gz", 2, "STANDARD"),)),
    ("ecommerce-backups-offsite", AWAY, True, (("postgres/newest.sql.gz", 2, "STANDARD"),)),
)  # fmt: skip


def buckets(backend: Callable[[str, str], Any]) -> None:
    """Make them, all with versions."""
    from moto.s3.models import s3_backends

    _slow_restore()
    kept = backend("s3", "aws")
    now = datetime.now(UTC).replace(tzinfo=None)  # as moto keeps times
    for name, region, locked, objects in BUCKETS:
        s3_backends.bucket_accounts.pop(name, None)  # correction 2
        bucket = kept.create_bucket(name, region)
        kept.put_bucket_versioning(name, "Enabled")
        bucket.object_lock_enabled = locked
        for key, hours, storage in objects:
            made = kept.put_object(name, key, DUMP, storage=storage)
            made.last_modified = now - timedelta(hours=hours)
            made._time_progressed -= timedelta(hours=hours)


def unreadable(kept: Any, bucket: str, key: str, version: str) -> str:
    """The error code of GetObject, "" when the object can be read."""
    if bucket not in kept.buckets:
        return "NoSuchBucket"
    found = kept.get_object(bucket, key, version_id=version)
    if found is None:
        return "NoSuchKey"
    copied = 'ongoing-request="false"' in found.response_dict.get("x-amz-restore", "")
    archived = found.storage_class in ("GLACIER", "DEEP_ARCHIVE") and not copied
    return "InvalidObjectState" if archived else ""


def for_moto(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Correction 3: what is added to a request's headers."""
    summed = headers.get("x-amz-checksum-algorithm")
    return [("x-amz-sdk-checksum-algorithm", summed)] if summed and "x-amz-copy-source" in headers else []


def _slow_restore() -> None:
    """Correction 1, for the whole process: moto has one switch."""
    from moto.moto_api import state_manager

    state_manager.set_transition("s3::keyrestore", {"progression": "time", "seconds": RESTORE_S})
