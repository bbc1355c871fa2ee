"""`aws.flag_secret`: a switch that services read from a JSON secret gets another value."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from playbooks.action import Act, Again, Plan, Risk, Seen, World, action
from playbooks.actions import secret_versions as versions
from playbooks.actions.secret_versions import NewVersion, OnSecret
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_secrets import version_id
from playbooks.errors import Refused

WORD = r"^[A-Za-z0-9_.-]{1,40}$"
PLAIN = frozenset({"true", "false", "on", "off", "yes", "no", "enabled", "disabled", "0", "1"})


@action(
    "aws.flag_secret",
    risk=Risk.RECOVERABLE,
    again=Again.KEYED,
    needs=(
        "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
    ),
    result=NewVersion,
)  # fmt: skip
class FlagSecret(OnSecret):
    """Set a switch in a JSON secret

    Example: {uses: aws.flag_secret, with: {secret: checkout/settings, key: redis, value: "false", from_value: "true"}}

    For a key that is there and a value that is no secret: a word. All else in the secret stays and is not shown; what
    the key says now is shown only where it is a plain word (true, off, 1 ...) or one of those given.
    """

    secret: str = Field(description="Name or ARN of the secret", min_length=1)
    key: str = Field(description="Key of the JSON secret", min_length=1)
    value: str = Field(description="What it should say", pattern=WORD)
    from_value: str = Field(default="", description="What it must say now; none: whatever it says")

    async def plan(self, world: World) -> Plan:
        """Says from what to what."""
        now = await self._check(world)
        return Plan(
            targets=(f"secret:{self.secret}",),
            effect=f"Set {self.key} in {self.secret}: {now or '(not shown)'} -> {self.value}",
            warnings=("Services read it when they start: restart them afterwards.",),
            undo="Makes the version before current again.",
        )

    async def run(self, act: Act) -> NewVersion:
        """Read, change, write: one method of the connector, keyed by the attempt."""
        aws = act.use(Aws).at(self.region)
        before = await aws.secret_seen(self.secret)
        if before.current == version_id(act.key):  # this attempt's own write, whose answer was lost
            return NewVersion(secret=self.secret, version=before.current, old_version=before.previous)
        await self._check(act)
        version = await aws.secret_switch(self.secret, self.key, self.value, token=act.key)
        return NewVersion(secret=self.secret, version=version, old_version=before.current)

    async def verify(self, world: World, done: NewVersion) -> Seen:
        """The new version is current and the key says so."""
        look = await versions.seen(world, self.region, done)
        if not look.ok:
            return look
        same = await self._now(world) == self.value
        return Seen(ok=same, text=f"{self.key} in {self.secret} says {self.value if same else 'something else'}")

    async def _now(self, world: World) -> str:
        words = PLAIN | {self.value, self.from_value} - {""}
        return await world.use(AwsReads).at(self.region).secret_word(self.secret, self.key, words)

    async def _check(self, world: World) -> str:
        """The word it says now, "" for one that is not shown. Raises Refused."""
        now = await self._now(world)
        if now == self.value:
            raise Refused(f"{self.key} in {self.secret} says {now} already.", todo="Nothing is to be done.")
        if self.from_value and now != self.from_value:
            raise Refused(
                f"{self.key} in {self.secret} does not say {self.from_value}: somebody changed it. It was left alone.",
                todo="Look who did, then ask again.",
            )
        return now

    def say(self, done: Any) -> str:
        """key in secret says value."""
        return f"{self.key} in {done.secret} says {self.value} (version {done.version[:8]}…)"
