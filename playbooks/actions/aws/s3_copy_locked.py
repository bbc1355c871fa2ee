"""`aws.s3_copy_locked`: copy an object where nobody can remove it before a date."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.aws import Aws, AwsReads, S3Object
from playbooks.durations import compact
from playbooks.errors import Refused

MOST = 5 << 30  # bytes: what S3 copies in one call
# A copy of that size can take minutes inside S3; one that is not there this long after was not made.
SETTLED_S = 1800.0


class Copied(Outputs):
    """The copy that was asked for."""

    bucket: str = Field(description="Bucket of the copy")
    key: str = Field(description="Key of the copy")
    size: int = Field(description="Bytes of the source")
    sha256: str = Field(description="SHA-256 of the source as S3 keeps it, empty where it keeps none")
    until: AwareDatetime = Field(description="Locked until then (UTC)")


@action(
    "aws.s3_copy_locked",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=(
        "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectRetention", "s3:GetObjectRetention",
    ),
    result=Copied,
)  # fmt: skip
class S3CopyLocked(Action):
    """Copy an object where it cannot be removed

    Example: {uses: aws.s3_copy_locked, with: {bucket: example-backups, key: checkout/newest.sql.gz,
      to_bucket: example-backups-offsite, retain: 30d}}

    Inside S3, at most 5 GiB; the copy is locked from its first moment and S3 makes its SHA-256, which is compared with
    the source's, or with `sha256` where S3 keeps none of the source. The target's bucket must have been made with
    object lock. Refuses when the target exists.
    """

    bucket: str = Field(description="Bucket of the source", min_length=3)
    key: str = Field(description="Key of the source", min_length=1)
    source_version: str = Field(default="", description="Version id of the source; none: the current one")
    to_bucket: str = Field(description="Bucket of the copy", min_length=3)
    to_key: str = Field(default="", description="Key of the copy; none: the source's")
    retain: Length = Field(description="How long it is locked")
    mode: Literal["GOVERNANCE", "COMPLIANCE"] = Field(
        default="GOVERNANCE", description="COMPLIANCE: nobody at all can remove it, not even the account's root"
    )
    sha256: str = Field(default="", description="SHA-256 it must have (hex)", pattern="^([0-9a-f]{64})?$")
    region: str = Field(default="", description="Region of the source's bucket; none: the site's")
    to_region: str = Field(default="", description="Region of the target's bucket; none: the source's")

    why_no_undo = "A locked copy cannot be removed before its date: that is what it is for."
    verify_within_s = 1800.0

    async def plan(self, world: World) -> Plan:
        """Says what is copied where, and for how long it is locked."""
        found = await self._check(world)
        compared = "" if found.sha256 or self.sha256 else "S3 keeps no SHA-256 of the source: only sizes are compared."
        return Plan(
            targets=(f"s3:{self.to_bucket}/{self._to}",),
            effect=f"Copy s3://{self.bucket}/{self.key} ({found.size} bytes) to s3://{self.to_bucket}/{self._to}, "
            f"locked for {compact(self.retain)} ({self.mode.lower()})",
            warnings=(compared,) if compared else (),
            undo=self.why_no_undo,
        )

    async def run(self, act: Act) -> Copied:
        """Copy, after one more look; S3 refuses it where the source changed since."""
        found, until = await self._check(act), act.now + self.retain
        await (
            act.use(Aws)
            .at(self.to_region or self.region)
            .s3_copy_locked(found, self.to_bucket, self._to, until=until, mode=self.mode, note=act.key)
        )
        return self._done(found, until)

    async def verify(self, world: World, done: Copied) -> Seen:
        """It is there, as large as the source, with the same SHA-256, and locked until then."""
        copy = await self._copy(world)
        if copy is None:
            return Seen(ok=None, text="the copy is not there yet", again_in=5.0)
        wanted = self.sha256 or done.sha256
        if copy.size != done.size or (wanted and copy.sha256 and copy.sha256 != wanted):
            return Seen(ok=False, text=f"the copy differs: {copy.size} bytes, SHA-256 {copy.sha256[:12]}…")
        locked = copy.retain_until
        if copy.lock_mode != self.mode or locked is None or locked < done.until - timedelta(seconds=1):
            return Seen(ok=False, text="the copy is not locked as it should be")
        compared = "same SHA-256" if wanted and copy.sha256 else "same size, no SHA-256 to compare"
        return Seen(ok=True, text=f"{compared}, locked until {locked:%Y-%m-%d %H:%M} UTC")

    async def reconcile(self, world: World) -> Found:
        """The copy carries our key; one that is not there within half an hour was not made."""
        copy = await self._copy(world)
        where = f"s3://{self.to_bucket}/{self._to}"
        began = world.started_at or world.now
        if copy is None:
            waited = (world.now - began).total_seconds()
            late = waited >= SETTLED_S
            return Found(happened=False if late else None, evidence=f"{where} is not there {waited:.0f} s later.")
        if copy.note != world.key:
            return Found(happened=False, evidence=f"{where} is there without this step's key: somebody else's.")
        source = await self._source(world)
        done = self._done(source or copy, copy.retain_until or began + self.retain)
        return Found(happened=True, evidence=f"{where} is there with this step's key.", outputs=done)

    @property
    def _to(self) -> str:
        return self.to_key or self.key

    def _done(self, source: S3Object, until: datetime) -> Copied:
        return Copied(bucket=self.to_bucket, key=self._to, size=source.size, sha256=source.sha256, until=until)

    async def _source(self, world: World) -> S3Object | None:
        return await world.use(AwsReads).at(self.region).s3_object(self.bucket, self.key, self.source_version)

    async def _copy(self, world: World) -> S3Object | None:
        return await world.use(AwsReads).at(self.to_region or self.region).s3_object(self.to_bucket, self._to)

    async def _check(self, world: World) -> S3Object:
        """The source. Raises Refused."""
        found, name = await self._source(world), f"s3://{self.bucket}/{self.key}"
        if found is None:
            raise Refused(f"There is no object {name}.", todo="Look at the bucket, the key and the version.")
        if not found.readable:
            raise Refused(f"{name} is archived ({found.storage}): it cannot be copied as it is.",
                          todo="Restore it first (aws.s3_restore_archived).")  # fmt: skip
        if found.size > MOST:
            raise Refused(f"{name} has {found.size} bytes; S3 copies at most 5 GiB in one call. Nothing was copied.",
                          todo="Copy it by S3 replication or the AWS CLI.")  # fmt: skip
        if self.sha256 and found.sha256 and found.sha256 != self.sha256:
            raise Refused(f"{name} has the SHA-256 {found.sha256[:12]}…, not {self.sha256[:12]}…. It was not copied.",
                          todo="Look whether it is the backup that was meant.")  # fmt: skip
        if await self._copy(world) is not None:
            raise Refused(f"There is an object s3://{self.to_bucket}/{self._to} already.", todo="Give another to_key.")
        return found

    def say(self, done: Copied) -> str:
        """Where the copy is."""
        return f"s3://{done.bucket}/{done.key}, locked until {done.until:%Y-%m-%d %H:%M} UTC"
