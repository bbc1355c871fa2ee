"""`aws.secret_restore`: an older version of a secret becomes the current one again."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from playbooks.action import Act, Again, Found, Plan, Risk, Seen, World, action
from playbooks.actions import secret_versions as versions
from playbooks.actions.secret_versions import NewVersion, OnSecret
from playbooks.connectors.aws import Aws, AwsReads, SecretSeen
from playbooks.errors import Refused


@action(
    "aws.secret_restore",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("secretsmanager:DescribeSecret", "secretsmanager:UpdateSecretVersionStage"),
    result=NewVersion,
)
class SecretRestore(OnSecret):
    """Make the version before of a secret current again

    Example: {uses: aws.secret_restore, with: {secret: checkout/api-key, from_version: 5f1c2d3e}}

    No value is read or written: AWS keeps the version before, and only its label moves. With `from_version`, the one
    that must be current now, a repeat does not move it back. What the old value opened may be closed by now.
    """

    secret: str = Field(description="Name or ARN of the secret", min_length=1)
    to_version: str = Field(default="", description="Id of the version to make current; none: the one before")
    from_version: str = Field(default="", description="Id of the version that must be current now")

    async def plan(self, world: World) -> Plan:
        """Says which version takes whose place."""
        seen, to = await self._check(world)
        return Plan(
            targets=(f"secret:{self.secret}",),
            effect=f"Make version {to[:8]}… of {self.secret} current again, in place of {seen.current[:8]}…",
            warnings=(
                "Services read it when they start: restart them.",
                "What the old value opened may be closed by now.",
            ),
            undo="Makes the version that is current now current again.",
        )

    async def run(self, act: Act) -> NewVersion:
        """Move the label, after one more look; AWS refuses it where another version is current by then."""
        seen, to = await self._check(act)
        await act.use(Aws).at(self.region).secret_restore(self.secret, to, seen.current)
        return NewVersion(secret=self.secret, version=to, old_version=seen.current)

    async def verify(self, world: World, done: NewVersion) -> Seen:
        """It is current."""
        return await versions.seen(world, self.region, done)

    async def reconcile(self, world: World) -> Found:
        """The current version against the one asked for, or the one that was current; without either, cannot tell."""
        seen = await self._seen(world)
        said = f"The current version of {self.secret} is {seen.current[:8]}…."
        done = NewVersion(secret=self.secret, version=seen.current, old_version=self.from_version or seen.previous)
        if self.to_version:
            happened = seen.current == self.to_version
        elif self.from_version:
            happened = seen.current != self.from_version
        else:
            return Found(happened=None, evidence=f"{said} Which one was current before is not known.")
        return Found(happened, said, done if happened else None)

    async def _seen(self, world: World) -> SecretSeen:
        return await world.use(AwsReads).at(self.region).secret_seen(self.secret)

    async def _check(self, world: World) -> tuple[SecretSeen, str]:
        """(the secret, the id of the version to make current). Raises Refused."""
        seen = await self._seen(world)
        to = self.to_version or seen.previous
        if self.from_version and seen.current != self.from_version:
            raise Refused(f"{self.secret} has another current version by now ({seen.current[:8]}…). It was left alone.",
                          todo="Look who wrote it, then ask again.")  # fmt: skip
        if not to:
            raise Refused(f"{self.secret} has no version before.", todo="Write it anew (aws.secret_put).")
        if to == seen.current:
            raise Refused(f"Version {to[:8]}… of {self.secret} is current already.", todo="Nothing is to be done.")
        return seen, to

    def say(self, done: Any) -> str:
        """Which version is current."""
        return f"version {done.version[:8]}… of {done.secret} is current again"
