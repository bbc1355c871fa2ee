"""`aws.secret_point`: let the address that a secret holds name another host."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from playbooks.action import Act, Again, Plan, Risk, Seen, World, action
from playbooks.actions import secret_versions as versions
from playbooks.actions.secret_versions import NewVersion, OnSecret
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_secrets import version_id
from playbooks.errors import Refused


@action(
    "aws.secret_point",
    risk=Risk.RECOVERABLE,
    again=Again.KEYED,
    needs=(
        "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
    ),
    result=NewVersion,
)  # fmt: skip
class SecretPoint(OnSecret):
    """Let the database address in a secret name another host

    Example: {uses: aws.secret_point, with: {secret: checkout/database-url, host: orders-db-2.example.com}}

    User, password, database and options of the address stay; only the host (and the port, where one is given) changes.
    Services use it when they are restarted.
    """

    secret: str = Field(description="Name or ARN of the secret", min_length=1)
    host: str = Field(description="New host, or host:port", pattern=r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?$")
    from_host: str = Field(default="", description="Host it must name now; none: whatever it names")
    key: Annotated[str, BeforeValidator(lambda value: "" if value is None else value)] = Field(
        default="", description="Key of a JSON secret that holds the address; none: the whole text"
    )

    async def plan(self, world: World) -> Plan:
        """Says from which host to which; nothing else of the address is shown."""
        now = await self._now(world)
        return Plan(
            targets=(f"secret:{self.secret}",),
            effect=f"Let the address in {self.secret} name {self.host} instead of {now}",
            warnings=("Services use it when they are restarted; until then they stay with the old one.",),
            undo="Makes the version before current again.",
        )

    async def run(self, act: Act) -> NewVersion:
        """Read, change, write: one method of the connector, keyed by the attempt."""
        aws = act.use(Aws).at(self.region)
        before = await aws.secret_seen(self.secret)
        if before.current == version_id(act.key):  # this attempt's own write, whose answer was lost
            return NewVersion(secret=self.secret, version=before.current, old_version=before.previous)
        await self._now(act)
        version = await aws.secret_point(self.secret, self.host, key=self.key, token=act.key)
        return NewVersion(secret=self.secret, version=version, old_version=before.current)

    async def verify(self, world: World, done: NewVersion) -> Seen:
        """The new version is current and names the host."""
        look = await versions.seen(world, self.region, done)
        if not look.ok:
            return look
        now = await world.use(AwsReads).at(self.region).secret_host(self.secret, self.key)
        same = now.lower() == self.host.partition(":")[0].lower()
        return Seen(ok=same, text=f"{self.secret} names {now}")

    async def _now(self, world: World) -> str:
        """The host it names now. Raises Refused."""
        now = await world.use(AwsReads).at(self.region).secret_host(self.secret, self.key)
        if now.lower() == self.host.partition(":")[0].lower() and ":" not in self.host:
            raise Refused(f"The address in {self.secret} names {now} already.", todo="Nothing is to be done.")
        if self.from_host and now.lower() != self.from_host.lower():
            raise Refused(
                f"The address in {self.secret} names {now}, not {self.from_host}: somebody changed it. "
                "It was left alone.",
                todo="Look who did, then ask again.",
            )
        return now

    def say(self, done: Any) -> str:
        """secret names host."""
        return f"{done.secret} names {self.host} (version {done.version[:8]}…)"
