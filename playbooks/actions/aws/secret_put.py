"""`aws.secret_put`: a new version of a secret."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from playbooks.action import Act, Again, Plan, Risk, Seen, World, action
from playbooks.actions import secret_versions as versions
from playbooks.actions.secret_versions import NewVersion, OnSecret
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.errors import Refused
from playbooks.secrets import SecretRef


@action(
    "aws.secret_put",
    risk=Risk.WRITE,
    again=Again.KEYED,
    needs=(
        "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
    ),
    result=NewVersion,
)  # fmt: skip
class SecretPut(OnSecret):
    """Write a new version of a secret

    Example: {uses: aws.secret_put, with: {secret: checkout/api-key, key: token, value: "env://NEW_TOKEN"}}

    The value is a reference and is read and written by the connector alone; the version before is kept by AWS and can
    be made current again. Services read it when they start.
    """

    secret: str = Field(description="Name or ARN of the secret", min_length=1)
    value: SecretRef = Field(description="Reference to the new value: env://NAME or secret://aws/NAME")
    key: str = Field(default="", description="Key of a JSON secret; none: the whole text")

    async def plan(self, world: World) -> Plan:
        """Says which secret gets a new version; refuses a key where there are none."""
        aws = world.use(AwsReads).at(self.region)
        await aws.secret_seen(self.secret)
        if self.key and not await aws.secret_keys(self.secret):
            raise Refused(f"The secret {self.secret} is a plain text, it has no keys. Nothing was written.")
        part = f"key {self.key} of " if self.key else ""
        return Plan(
            targets=(f"secret:{self.secret}",),
            effect=f"Write {part}{self.secret} anew, from {self.value}",
            warnings=("Services read it when they start: restart them afterwards.",),
            undo="Makes the version before current again.",
        )

    async def run(self, act: Act) -> NewVersion:
        """Read, change, write: one method of the connector, keyed by the attempt."""
        aws = act.use(Aws).at(self.region)
        before = await aws.secret_seen(self.secret)
        version = await aws.secret_copy(self.secret, self.value, key=self.key, token=act.key)
        old = before.previous if before.current == version else before.current
        return NewVersion(secret=self.secret, version=version, old_version=old)

    async def verify(self, world: World, done: NewVersion) -> Seen:
        """The new version is the current one."""
        return await versions.seen(world, self.region, done)

    def say(self, done: Any) -> str:
        """secret: new version."""
        return f"{done.secret} has a new version {done.version[:8]}…"
