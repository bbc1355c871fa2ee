"""`aws.secret_rotate`: a secret is rotated by its own function, now."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Plan, Risk, Seen, World, action
from playbooks.actions.secret_versions import NewVersion
from playbooks.connectors.aws import Aws, AwsReads, SecretSeen
from playbooks.connectors.aws_secrets import version_id
from playbooks.errors import Refused


@action(
    "aws.secret_rotate",
    risk=Risk.RECOVERABLE,
    again=Again.KEYED,
    needs=("secretsmanager:DescribeSecret", "secretsmanager:RotateSecret", "lambda:InvokeFunction"),
    result=NewVersion,
)
class SecretRotate(Action):
    """Rotate a secret by its own function

    Example: {uses: aws.secret_rotate, with: {secret: checkout/rotated}}

    For secrets with rotation set up in AWS: the function makes a new value, sets it where it is used (the database's
    user), tests it, and only then it becomes current. Refuses where there is no rotation, or where one is under way.
    """

    secret: str = Field(description="Name or ARN of the secret", min_length=1)
    region: str = Field(default="", description="Region; none: the site's")

    why_no_undo = "The function changed the password where it is used too: the old value opens nothing any more."
    verify_within_s = 900.0

    async def plan(self, world: World) -> Plan:
        """Says which secret is rotated."""
        await self._check(world)
        return Plan(
            targets=(f"secret:{self.secret}",),
            effect=f"Rotate {self.secret} by its own function",
            warnings=("The old value may open nothing afterwards; services read the new one when they start.",),
            undo=self.why_no_undo,
        )

    async def run(self, act: Act) -> NewVersion:
        """Ask for it; our key becomes the id of the version, so that a repeat rotates once."""
        mine, seen = version_id(act.key), await self._seen(act)
        if mine not in (seen.current, seen.pending):
            seen = await self._check(act)
            await act.use(Aws).at(self.region).secret_rotate(self.secret, token=act.key)
        old = seen.previous if seen.current == mine else seen.current
        return NewVersion(secret=self.secret, version=mine, old_version=old)

    async def verify(self, world: World, done: NewVersion) -> Seen:
        """The version made under our key is current; pending is not yet."""
        seen = await self._seen(world)
        if seen.current == done.version:
            return Seen(ok=True, text=f"{self.secret} has a new current version {seen.current[:8]}…")
        state = "is being rotated" if seen.pending == done.version else "was not rotated yet"
        return Seen(ok=None, text=f"{self.secret} {state}", again_in=5.0)

    async def reconcile(self, world: World) -> Found:
        """The version's id is made of our key: current, pending, or not there."""
        seen, mine = await self._seen(world), version_id(world.key)
        if mine not in (seen.current, seen.pending):
            return Found(happened=False, evidence=f"{self.secret} has no version of this step.")
        old = seen.previous if seen.current == mine else seen.current
        done = NewVersion(secret=self.secret, version=mine, old_version=old)
        state = "current" if seen.current == mine else "pending"
        return Found(happened=True, evidence=f"This step's version of {self.secret} is {state}.", outputs=done)

    async def _seen(self, world: World) -> SecretSeen:
        return await world.use(AwsReads).at(self.region).secret_seen(self.secret)

    async def _check(self, world: World) -> SecretSeen:
        """The secret as it is. Raises Refused."""
        seen = await self._seen(world)
        if not seen.rotates:
            raise Refused(f"{self.secret} has no rotation set up in AWS. It was left alone.",
                          todo="Write a new value instead (aws.secret_put).")  # fmt: skip
        if seen.pending and seen.pending != seen.current:
            raise Refused(f"{self.secret} is being rotated, or a rotation of it got stuck (version "
                          f"{seen.pending[:8]}… is pending).", todo="Look at its rotation function's log.")  # fmt: skip
        return seen

    def say(self, done: Any) -> str:
        """Which secret."""
        return f"{done.secret} asked to rotate (version {done.version[:8]}…)"
