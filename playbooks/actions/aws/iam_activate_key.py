"""`aws.iam_activate_key`: an IAM access key that was deactivated works again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.changes import Change
from playbooks.connectors.aws import AccessKey, Aws, AwsReads
from playbooks.errors import Refused


class Activated(Outputs):
    """Which key works again."""

    key: str = Field(description="Id of the access key")
    user: str = Field(description="The IAM user it belongs to")


@action(
    "aws.iam_activate_key",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("iam:GetAccessKeyLastUsed", "iam:ListAccessKeys", "iam:UpdateAccessKey"),
    result=Activated,
)
class IamActivateKey(Action):
    """Activate an IAM access key again

    Example: {uses: aws.iam_activate_key, with: {key: AKIAIOSFODNN7EXAMPLE}}

    Opening what aws.iam_deactivate_key closed: whoever holds the key gets in again, so it takes the full quorum.
    """

    key: str = Field(description="Id of the access key", pattern=r"^[A-Za-z0-9]{16,128}$")

    verify_within_s = 60.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """The key is active."""
        return (Change(f"iam {outputs.get('key')}", "inactive", "active"),)

    async def plan(self, world: World) -> Plan:
        """Says whose key it is."""
        seen = await self._check(world)
        return Plan(
            targets=(f"iam:{self.key}",),
            effect=f"Activate the access key {self.key} of {seen.user or 'the account itself'} again",
            warnings=("Whoever holds it gets in again.",),
            undo="Deactivate it again (aws.iam_deactivate_key).",
        )

    async def run(self, act: Act) -> Activated:
        """Activate it. Looks once more first: approvals take time."""
        seen = await self._check(act)
        await act.use(Aws).iam_set_access_key(seen.user, self.key, active=True)
        return Activated(key=self.key, user=seen.user)

    async def verify(self, world: World, done: Activated) -> Seen:
        """IAM says that it is active."""
        seen = await world.use(AwsReads).iam_access_key(self.key)
        if not seen.active:
            return Seen(ok=None, text=f"{self.key} is still inactive")
        return Seen(ok=True, text=f"{self.key} of {seen.user} is active")

    async def reconcile(self, world: World) -> Found:
        """Whatever happened, the key is active or it is not."""
        seen = await world.use(AwsReads).iam_access_key(self.key)
        state = "active" if seen.active else "inactive"
        done = Activated(key=self.key, user=seen.user)
        return Found(seen.active, f"{self.key} of {seen.user} is {state}.", done if seen.active else None)

    async def undo(self, act: Act, done: Activated) -> Activated:
        """Deactivate it again."""
        await act.use(Aws).iam_set_access_key(done.user, done.key, active=False)
        return done

    async def plan_undo(self, world: World, done: Activated) -> Plan:
        """Refuses a key that is inactive already."""
        seen = await world.use(AwsReads).iam_access_key(done.key)
        if not seen.active:
            raise Refused(f"{done.key} of {seen.user} is inactive already.", todo="There is nothing to take back.")
        effect = f"Deactivate the access key {done.key} of {seen.user or 'the account itself'}"
        return Plan(targets=(f"iam:{done.key}",), effect=effect, warnings=("Everything that signs in with it stops.",),
                    undo="Activate it again (aws.iam_activate_key).")  # fmt: skip

    async def verify_undo(self, world: World, done: Activated) -> Seen:
        """IAM says that it is inactive."""
        seen = await world.use(AwsReads).iam_access_key(done.key)
        if seen.active:
            return Seen(ok=None, text=f"{done.key} is still active")
        return Seen(ok=True, text=f"{done.key} of {seen.user} is inactive")

    async def reconcile_undo(self, world: World, done: Activated) -> Found:
        """Whatever happened, the key is active or it is not."""
        seen = await world.use(AwsReads).iam_access_key(done.key)
        state = "active" if seen.active else "inactive"
        return Found(not seen.active, f"{done.key} of {seen.user} is {state}.", None if seen.active else done)

    async def _check(self, world: World) -> AccessKey:
        seen = await world.use(AwsReads).iam_access_key(self.key)
        if seen.active:
            raise Refused(f"{self.key} of {seen.user} is active already.", todo="There is nothing to open.")
        return seen

    def say(self, done: Activated) -> str:
        """Which key of whom."""
        return f"{done.key} of {done.user} activated again"
