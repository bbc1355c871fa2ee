"""`aws.s3_newest_backup`: the newest backup in a bucket, and whether it looks like one."""

from __future__ import annotations

import zlib
from datetime import timedelta

from pydantic import AwareDatetime, Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.aws import AwsReads, S3Object
from playbooks.connectors.aws_s3 import S3Version
from playbooks.durations import compact
from playbooks.errors import Refused

WHOLE = 1 << 20  # bytes: up to here a compressed file is tested whole, else only its beginning and its end
BEGINNING = 64 << 10
GZIP = (".gz", ".tgz")


class NewestBackup(Outputs):
    """The backup that was found."""

    bucket: str = Field(description="Its bucket")
    key: str = Field(description="Its key")
    version: str = Field(description="Its version id, empty in a bucket without versions")
    at: AwareDatetime = Field(description="When it was written (UTC)")
    age_s: int = Field(description="How old it is in seconds: now, or at the safe time where one is given")
    size: int = Field(description="Bytes")
    sha256: str = Field(description="SHA-256 as S3 keeps it, empty where it keeps none of the whole object")
    storage: str = Field(description="Storage class (STANDARD, GLACIER ...)")
    readable: bool = Field(description="False while it is archived: restore it first")
    tested: str = Field(description="What of its compression was tested: whole, ends, or nothing")


@action(
    "aws.s3_newest_backup",
    risk=Risk.READ,
    again=Again.SAFE,
    needs=("s3:ListBucketVersions", "s3:GetObject", "s3:GetObjectVersion"),
    result=NewestBackup,
)
class S3NewestBackup(Action):
    """Find the newest backup in a bucket

    Example: {uses: aws.s3_newest_backup, with: {bucket: example-backups, prefix: checkout/, max_age: 6h}}

    With `at`, the newest that was written at or before that time, older versions of objects included, so that what was
    overwritten since does not count. Refuses one that is older than `max_age`, smaller than `min_size`, or a broken
    gzip file. Where it came from its date tells nothing about what is in it: restore it somewhere and count.
    """

    bucket: str = Field(description="Name of the bucket", min_length=3)
    prefix: str = Field(default="", description="Only objects whose key begins so")
    suffix: str = Field(default="", description="Only objects whose key ends so (.sql.gz)")
    at: AwareDatetime | None = Field(default=None, description="Last safe time (UTC); none: now")
    max_age: Length | None = Field(default=None, description="Oldest that is accepted (before `at`, or now)")
    min_size: int = Field(default=1, description="Fewest bytes that are accepted", ge=1)
    region: str = Field(default="", description="Region of the bucket; none: the site's")

    async def look(self, world: World) -> NewestBackup:
        """List, choose, look at its head, read its first and last bytes."""
        until = self.at or world.now
        chosen = await self._chosen(world)
        reads = world.use(AwsReads).at(self.region)
        found = await reads.s3_object(self.bucket, chosen.key, chosen.version)
        if found is None:
            raise Refused(f"{self._name(chosen.key)} was there a moment ago and is gone.", todo="Look again.")
        age = max(timedelta(), until - chosen.at)
        if self.max_age is not None and age > self.max_age:
            raise Refused(
                f"The newest backup, {self._name(chosen.key)}, is {compact(_whole(age))} old; at most "
                f"{compact(self.max_age)} is accepted.",
                todo="Look why no newer one was made, or accept it with a larger max_age.",
            )
        if found.size < self.min_size:
            raise Refused(
                f"The newest backup, {self._name(chosen.key)}, has {found.size} bytes, fewer than {self.min_size}.",
                todo="Look at the one before it: give `at`, a time before this one was written.",
            )
        tested = await self._tested(reads, found) if found.readable else "nothing"
        return NewestBackup(
            bucket=self.bucket, key=chosen.key, version=chosen.version, at=chosen.at, age_s=int(age.total_seconds()),
            size=found.size, sha256=found.sha256, storage=found.storage, readable=found.readable, tested=tested,
        )  # fmt: skip

    async def _chosen(self, world: World) -> S3Version:
        """The newest version at or before `at`; without it, the newest object there is. Raises Refused."""
        listed = await world.use(AwsReads).at(self.region).s3_versions(self.bucket, self.prefix)
        named = [one for one in listed if one.key.endswith(self.suffix) and not one.key.endswith("/")]
        fitting = [one for one in named if (one.at <= self.at if self.at else one.latest)]
        if not fitting:
            when = f" written at or before {self.at:%Y-%m-%d %H:%M:%S} UTC" if self.at else ""
            raise Refused(
                f"There is no backup {self._name(self.prefix)}*{self.suffix}{when}.",
                todo=f"{len(named)} were written later." if named else "Look at the bucket, prefix and suffix.",
            )
        return max(fitting, key=lambda one: (one.at, one.latest, one.key))

    async def _tested(self, reads: AwsReads, found: S3Object) -> str:
        """What of a gzip file was tested. Raises Refused when it is broken."""
        if not found.key.endswith(GZIP):
            return "nothing"
        whole = found.size <= WHOLE
        start = await reads.s3_bytes(found, 0, WHOLE if whole else BEGINNING)
        end = start[-8:] if whole else await reads.s3_bytes(found, found.size - 8, 8)
        if problem := _broken(start, end, whole=whole):
            raise Refused(
                f"The newest backup, {self._name(found.key)}, is broken: {problem}.",
                todo="Look at the one before it: give `at`, a time before this one was written.",
            )
        return "whole" if whole else "ends"

    def _name(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def say(self, done: NewestBackup) -> str:
        """Which one, how old, how large."""
        age = compact(timedelta(seconds=done.age_s))
        archived = "" if done.readable else f", archived ({done.storage})"
        return f"{self._name(done.key)}: {age} old, {done.size} bytes{archived}, tested: {done.tested}"


def _whole(age: timedelta) -> timedelta:
    return timedelta(seconds=int(age.total_seconds()))


def _broken(start: bytes, end: bytes, *, whole: bool) -> str:
    """Why these cannot be the bytes of a gzip file with something in it; "" when they can."""
    if start[:2] != b"\x1f\x8b":
        return "it does not begin as a gzip file"
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(start, WHOLE)
        while whole and not unpacker.eof and unpacker.unconsumed_tail:
            unpacker.decompress(unpacker.unconsumed_tail, WHOLE)
    except zlib.error:
        return "it cannot be unpacked"
    if not unpacked:
        return "there is nothing in it"
    if whole and not unpacker.eof:
        return "its end is missing"
    if not any(end):
        return "it ends in nothing but zeros"
    return ""
