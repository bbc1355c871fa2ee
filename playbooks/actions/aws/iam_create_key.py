"""`aws.iam_create_key`: a new access key of a user, straight into a secret."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_secrets import version_id
from playbooks.errors import Refused


class Created(Outputs):
    """The new key's id; its secret half is in the secret and nowhere else."""

    key: str = Field(description="Id of the new access key")
    user: str = Field(description="The IAM user")
    secret: str = Field(description="The secret that holds it")
    version: str = Field(description="Id of the secret's new version")
    old_version: str = Field(description="Id of the version before")


@action(
    "aws.iam_create_key",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=(
        "iam:ListAccessKeys", "iam:CreateAccessKey", "iam:DeleteAccessKey", "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage",
    ),
    result=Created,
)  # fmt: skip
class IamCreateKey(Action):
    """Make a new access key and put it into a secret

    Example: {uses: aws.iam_create_key, with: {user: deploy, secret: checkout/aws}}

    The secret half is never shown: the connector writes it into Secrets Manager in the same breath. Refuses when the
    user has two keys already (AWS's limit): delete one that is not used first.
    """

    user: str = Field(description="The IAM user", min_length=1, max_length=64)
    secret: str = Field(description="Name or ARN of the JSON secret that takes it", min_length=1)
    id_key: str = Field(default="AWS_ACCESS_KEY_ID", description="Its key for the id")
    secret_key: str = Field(default="AWS_SECRET_ACCESS_KEY", description="Its key for the secret half")
    region: str = Field(default="", description="Region of the secret; none: the site's")

    async def plan(self, world: World) -> Plan:
        """Says whose key goes where; refuses where there is no room for one."""
        keys = await self._check(world.use(AwsReads))
        return Plan(
            targets=(f"iam:{self.user}", f"secret:{self.secret}"),
            effect=f"Make a new access key of {self.user} and put it into {self.secret}",
            warnings=("Services use it when they are restarted; the old key works until it is deactivated.",),
            notes=(f"{self.user} has {keys} now.",),
            undo="Deletes the new key and makes the secret's version before current again.",
        )

    async def run(self, act: Act) -> Created:
        """One method of the connector: make, put, and delete again where the secret refused it."""
        aws = act.use(Aws).at(self.region)
        await self._check(aws)
        before = await aws.secret_seen(self.secret)
        key, version = await aws.iam_new_key(self.user, self.secret, self.id_key, self.secret_key, token=act.key)
        return Created(key=key, user=self.user, secret=self.secret, version=version, old_version=before.current)

    async def verify(self, world: World, done: Created) -> Seen:
        """The key is active and the secret's version current."""
        aws = world.use(AwsReads).at(self.region)
        seen, held = await aws.iam_access_key(done.key), await aws.secret_seen(done.secret)
        if not seen.active or held.current != done.version:
            return Seen(
                ok=None, text=f"{done.key} is {'active' if seen.active else 'inactive'}, the secret is not current"
            )
        return Seen(ok=True, text=f"{done.key} of {done.user} is active and in {done.secret}")

    async def reconcile(self, world: World) -> Found:
        """The secret's version is made of our key; a key made since the start and not in it was left behind."""
        aws = world.use(AwsReads).at(self.region)
        held, keys = await aws.secret_seen(self.secret), await aws.iam_user_keys(self.user)
        since = [
            one
            for one in keys
            if world.started_at and one.made_at and one.made_at >= world.started_at.replace(microsecond=0)
        ]
        if held.current == version_id(world.key) and since:
            done = Created(
                key=since[-1].id, user=self.user, secret=self.secret, version=held.current, old_version=held.previous
            )
            return Found(happened=True, evidence=f"{since[-1].id} was made and {self.secret} holds it.", outputs=done)
        if since:
            return Found(
                happened=None, evidence=f"{since[-1].id} was made since, and {self.secret} does not hold it: delete it."
            )
        return Found(happened=False, evidence=f"No key of {self.user} was made since the step began.")

    async def undo(self, act: Act, done: Created) -> Created:
        """The secret's version before, then no key."""
        await self._still(act, done)
        aws = act.use(Aws).at(self.region)
        await aws.secret_restore(done.secret, done.old_version, done.version)
        await aws.iam_delete_key(done.user, done.key)
        return done

    async def plan_undo(self, world: World, done: Created) -> Plan:
        """Says what goes; refuses when the secret was written since."""
        await self._still(world, done)
        effect = (
            f"Delete the access key {done.key} of {done.user} and make {done.secret}'s version before current again"
        )
        return Plan(targets=(f"iam:{done.user}", f"secret:{done.secret}"), effect=effect,
                    warnings=("What was started with the new key stops working.",))  # fmt: skip

    async def verify_undo(self, world: World, done: Created) -> Seen:
        """The key is gone."""
        gone = await self._gone(world, done)
        return Seen(ok=True if gone else None, text=f"{done.key} is {'gone' if gone else 'still there'}")

    async def reconcile_undo(self, world: World, done: Created) -> Found:
        """The key is there or it is not."""
        gone = await self._gone(world, done)
        return Found(gone, f"{done.key} is {'gone' if gone else 'still there'}.")

    async def _gone(self, world: World, done: Created) -> bool:
        keys = await world.use(AwsReads).at(self.region).iam_user_keys(done.user)
        return done.key not in [one.id for one in keys]

    async def _still(self, world: World, done: Created) -> None:
        now = await world.use(AwsReads).at(self.region).secret_seen(done.secret)
        if now.current != done.version or not done.old_version:
            raise Refused(f"{done.secret} was written since, or had no version before. Nothing was taken back.",
                          todo="Make a new key instead.")  # fmt: skip

    async def _check(self, aws: AwsReads) -> str:
        """The keys there are, in words. Raises Refused."""
        keys = await aws.iam_user_keys(self.user)
        if len(keys) >= 2:
            told = " and ".join(f"{one.id} ({'active' if one.active else 'inactive'})" for one in keys)
            raise Refused(f"{self.user} has two access keys already: {told}. No third was made.",
                          todo="Delete one that nobody uses (aws.iam_delete_key), then ask again.")  # fmt: skip
        reads = aws.at(self.region)
        await reads.secret_seen(self.secret)
        return f"{len(keys)} access key{'s' if len(keys) != 1 else ''}"

    @classmethod
    def undo_risk(cls) -> Risk:
        """What was started with the new key stops."""
        return Risk.RECOVERABLE

    def say(self, done: Created) -> str:
        """Which key, where."""
        return f"{done.key} of {done.user} made, in {done.secret}"
