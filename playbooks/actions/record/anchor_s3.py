"""`record.anchor_s3`: heads of the timeline as an S3 object that nobody can change or remove before its time."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Literal

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.heads import Heads, line, words
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.ports import Record


class Anchored(Outputs):
    """Where the object is."""

    ref: str = Field(description="s3://bucket/key")
    bucket: str = Field(description="The bucket")
    key: str = Field(description="The object's key")


@action(
    "record.anchor_s3",
    risk=Risk.WRITE,
    again=Again.KEYED,
    needs=("s3:PutObject", "s3:PutObjectRetention", "s3:GetObject", "s3:GetObjectRetention"),
    result=Anchored,
)
class AnchorS3(Action):
    """Anchor the record in S3, locked

    Example: {uses: record.anchor_s3, with: {bucket: example-anchors, at: "2026-11-22T05:00:00.000000Z",
    retain_s: 864000, heads: ["INC-42@41:sha256:9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c"]}}
    """

    bucket: str = Field(description="A bucket made with object lock")
    prefix: str = Field(default="muster/", description="What keys begin with")
    at: str = Field(description="When the heads were read, RFC 3339; names the object")
    retain_s: int = Field(description="For how long nobody can remove it, in seconds", gt=0)
    mode: Literal["compliance", "governance"] = Field(
        default="compliance", description="compliance: nobody at all; governance: who has a permission of its own"
    )
    heads: Heads

    why_no_undo = "An anchor that can be taken back proves nothing."

    def _object(self) -> tuple[str, bytes]:
        """Key and body: the same heads at the same time are the same object."""
        body = "".join(f"{line(head, self.at)}\n" for head in self.heads).encode()
        stamp = self.at.replace(":", "").replace("-", "").replace(".", "")
        return f"{self.prefix}{stamp}-{hashlib.sha256(body).hexdigest()[:12]}.jsonl", body

    async def plan(self, world: World) -> Plan:
        """Says which heads go where."""
        world.use(AwsReads)
        key, _ = self._object()
        effect = f"Put s3://{self.bucket}/{key}, locked ({self.mode}): {words(self.heads)}"
        return Plan(targets=(f"s3:{self.bucket}",), effect=effect)

    async def run(self, act: Act) -> Anchored:
        """Put it unless it is there."""
        await act.use(Record).holds(self.heads)  # type: ignore[type-abstract]
        key, body = self._object()
        until = act.now + timedelta(seconds=self.retain_s)
        await act.use(Aws).s3_put_locked(self.bucket, key, body, until=until, mode=self.mode.upper())
        return Anchored(ref=f"s3://{self.bucket}/{key}", bucket=self.bucket, key=key)

    async def verify(self, world: World, done: Anchored) -> Seen:
        """Looks whether the lock took: an object that can be removed is no anchor."""
        found = await world.use(AwsReads).s3_object(done.bucket, done.key)
        if found is None:
            return Seen(ok=None, text=f"{done.ref} is not there yet")
        if not found.lock_mode or found.retain_until is None:
            return Seen(ok=False, text=f"{done.ref} is there but not locked: anybody may remove it")
        return Seen(ok=True, text=f"{done.ref} is locked until {found.retain_until:%Y-%m-%d}")

    def say(self, done: Anchored) -> str:
        """Where which heads are anchored."""
        return f"Anchored in s3://{self.bucket}: {words(self.heads)}"
