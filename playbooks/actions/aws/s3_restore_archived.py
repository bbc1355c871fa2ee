"""`aws.s3_restore_archived`: make an archived object readable for some days."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.aws import Aws, AwsReads, S3Object
from playbooks.errors import Refused

TAKES = {  # as AWS says, by storage class and tier
    ("GLACIER", "Expedited"): "1-5 minutes", ("GLACIER", "Standard"): "3-5 hours", ("GLACIER", "Bulk"): "5-12 hours",
    ("DEEP_ARCHIVE", "Standard"): "within 12 hours", ("DEEP_ARCHIVE", "Bulk"): "within 48 hours",
}  # fmt: skip
LOOK_S = 300.0


class Restoring(Outputs):
    """The object that is made readable."""

    bucket: str = Field(description="Its bucket")
    key: str = Field(description="Its key")
    object_version: str = Field(description="Its version id, empty in a bucket without versions")


@action(
    "aws.s3_restore_archived",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("s3:GetObject", "s3:GetObjectVersion", "s3:RestoreObject"),
    result=Restoring,
)
class S3RestoreArchived(Action):
    """Make an archived object readable

    Example: {uses: aws.s3_restore_archived, with: {bucket: example-backups-archive, key: checkout/daily.sql.gz}}

    Asks S3 Glacier for a readable copy and waits until it is there, up to two days. Refuses an object that can be read
    already, or that is being restored.
    """

    bucket: str = Field(description="Its bucket", min_length=3)
    key: str = Field(description="Its key", min_length=1)
    object_version: str = Field(default="", description="Its version id; none: the current one")
    days: int = Field(default=7, description="For how long the copy is kept", ge=1, le=30)
    tier: Literal["Expedited", "Standard", "Bulk"] = Field(default="Standard", description="How fast, and how dear")
    region: str = Field(default="", description="Region of the bucket; none: the site's")

    why_no_undo = "The readable copy goes away by itself when its days are over; the archived object stays."
    verify_within_s = 172800.0

    async def plan(self, world: World) -> Plan:
        """Says what, how fast and for how long."""
        found = await self._check(world)
        return Plan(
            targets=(f"s3:{self.bucket}/{self.key}",),
            effect=f"Restore s3://{self.bucket}/{self.key} ({found.size} bytes) from {found.storage} "
            f"for {self.days} days ({self.tier.lower()})",
            warnings=(f"It takes {TAKES[found.storage, self.tier]}, and AWS charges for it.",),
            undo=self.why_no_undo,
        )

    async def run(self, act: Act) -> Restoring:
        """Ask for it, after one more look."""
        found = await self._check(act)
        await act.use(Aws).at(self.region).s3_restore(found, self.days, self.tier)
        return Restoring(bucket=self.bucket, key=self.key, object_version=found.version)

    async def verify(self, world: World, done: Restoring) -> Seen:
        """It can be read."""
        found = await self._found(world)
        if found is None:
            return Seen(ok=False, text=f"{self.key} is gone")
        if found.readable:
            return Seen(ok=True, text=f"{self.key} can be read")
        said = "is being restored" if found.restore else "is not being restored yet"
        return Seen(ok=None, text=f"{self.key} {said}", again_in=LOOK_S if found.restore else 5.0)

    async def reconcile(self, world: World) -> Found:
        """S3 says whether a restore was asked for; nothing was before."""
        found = await self._found(world)
        if found is None or not found.restore:
            return Found(happened=False, evidence=f"S3 was not asked to restore {self.key}.")
        done = Restoring(bucket=self.bucket, key=self.key, object_version=found.version)
        return Found(happened=True, evidence=f"The restore of {self.key} is {found.restore}.", outputs=done)

    async def _found(self, world: World) -> S3Object | None:
        return await world.use(AwsReads).at(self.region).s3_object(self.bucket, self.key, self.object_version)

    async def _check(self, world: World) -> S3Object:
        """The archived object. Raises Refused."""
        found, name = await self._found(world), f"s3://{self.bucket}/{self.key}"
        if found is None:
            raise Refused(f"There is no object {name}.", todo="Look at the bucket, the key and the version.")
        if found.readable:
            raise Refused(f"{name} can be read already ({found.storage}).", todo="Nothing is to be done.")
        if found.restore:
            raise Refused(f"{name} is being restored already.", todo="Wait for it.")
        if (found.storage, self.tier) not in TAKES:
            raise Refused(f"{found.storage} knows no tier {self.tier}.", todo="Take Standard or Bulk.")
        return found

    def say(self, done: Restoring) -> str:
        """Which object."""
        return f"s3://{done.bucket}/{done.key} asked to be restored"
