"""What steps that write a new version of a secret have in common: how one is verified, found again, taken back.

Belongs here: the outputs and the checks that need only version ids. Does not belong here: what is written
(actions/aws/secret_*.py).
"""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Found, Outputs, Plan, Seen, World
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_secrets import version_id
from playbooks.errors import Refused


class NewVersion(Outputs):
    """A new version of a secret, without its value."""

    secret: str = Field(description="Name of the secret")
    version: str = Field(description="Id of the new version")
    old_version: str = Field(description="Id of the version before")


async def seen(world: World, region: str, done: NewVersion) -> Seen:
    """Whether the new version is the current one."""
    now = await world.use(AwsReads).at(region).secret_seen(done.secret)
    if now.current == done.version:
        return Seen(ok=True, text=f"{done.secret} has a new current version {now.current[:8]}…")
    return Seen(ok=None, text=f"the current version of {done.secret} is {now.current[:8]}…, not the one written")


async def found(world: World, region: str, secret: str) -> Found:
    """The version id is made of our key: there it is, or it is not."""
    now, mine = await world.use(AwsReads).at(region).secret_seen(secret), version_id(world.key)
    if now.current == mine:
        done = NewVersion(secret=secret, version=mine, old_version=now.previous)
        return Found(happened=True, evidence=f"The current version of {secret} is this step's.", outputs=done)
    return Found(happened=False, evidence=f"The current version of {secret} is {now.current[:8]}…, not this step's.")


async def plan_back(world: World, region: str, done: NewVersion) -> Plan:
    """Says what becomes current again; refuses when somebody wrote another version since."""
    await still(world, region, done)
    return Plan(
        targets=(f"secret:{done.secret}",),
        effect=f"Make version {done.old_version[:8]}… of {done.secret} current again, in place of {done.version[:8]}…",
        warnings=("Services read it when they start: restart them.",),
    )


async def still(world: World, region: str, done: NewVersion) -> None:
    """Raises Refused when the version is not current any more, or there is none to go back to."""
    now = await world.use(AwsReads).at(region).secret_seen(done.secret)
    if now.current != done.version:
        raise Refused(f"{done.secret} has another current version by now ({now.current[:8]}…). It was left alone.",
                      todo="Look who wrote it.")  # fmt: skip
    if not done.old_version:
        raise Refused(f"{done.secret} had no version before. It was left alone.")


async def back(act: Act, region: str, done: NewVersion) -> NewVersion:
    """The version before is current again."""
    await still(act, region, done)
    await act.use(Aws).at(region).secret_restore(done.secret, done.old_version, done.version)
    return NewVersion(secret=done.secret, version=done.old_version, old_version=done.version)


async def seen_back(world: World, region: str, done: NewVersion) -> Seen:
    """Whether the version before is current again."""
    now = await world.use(AwsReads).at(region).secret_seen(done.secret)
    return Seen(ok=True if now.current == done.old_version else None, text=f"current version {now.current[:8]}…")


async def found_back(world: World, region: str, done: NewVersion) -> Found:
    """The current version tells."""
    now = await world.use(AwsReads).at(region).secret_seen(done.secret)
    return Found(now.current == done.old_version, f"The current version of {done.secret} is {now.current[:8]}….")


class OnSecret(Action):
    """Base of actions that make another version of a secret current: found again and taken back in one way."""

    secret: str = Field(description="Name or ARN of the secret", min_length=1)
    region: str = Field(default="", description="Region; none: the site's")

    async def reconcile(self, world: World) -> Found:
        """The version's id is made of our key."""
        return await found(world, self.region, self.secret)

    async def undo(self, act: Act, done: NewVersion) -> NewVersion:
        """The version before is current again."""
        return await back(act, self.region, done)

    async def plan_undo(self, world: World, done: NewVersion) -> Plan:
        """Says which version becomes current again."""
        return await plan_back(world, self.region, done)

    async def verify_undo(self, world: World, done: NewVersion) -> Seen:
        """It is current again."""
        return await seen_back(world, self.region, done)

    async def reconcile_undo(self, world: World, done: NewVersion) -> Found:
        """The current version tells."""
        return await found_back(world, self.region, done)
