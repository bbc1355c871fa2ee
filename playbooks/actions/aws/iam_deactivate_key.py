"""`aws.iam_deactivate_key`: an IAM access key stops working."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.changes import Change
from playbooks.connectors.aws import AccessKey, Aws, AwsReads
from playbooks.errors import Refused


class Deactivated(Outputs):
    """Which key stopped working."""

    key: str = Field(description="Id of the access key")
    user: str = Field(description="The IAM user it belongs to")


@action(
    "aws.iam_deactivate_key",
    risk=Risk.CONTAIN,
    again=Again.NEVER,
    needs=("iam:GetAccessKeyLastUsed", "iam:ListAccessKeys", "iam:UpdateAccessKey"),
    result=Deactivated,
)
class IamDeactivateKey(Action):
    """Deactivate an IAM access key

    Example: {uses: aws.iam_deactivate_key, with: {key: AKIAIOSFODNN7EXAMPLE}}

    Refuses the key Muster itself works with, whoever asks, and a key that is inactive already. Nothing is deleted.
    """

    key: str = Field(description="Id of the access key", pattern=r"^[A-Za-z0-9]{16,128}$")

    verify_within_s = 60.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """The key is inactive."""
        return (Change(f"iam {outputs.get('key')}", "active", "inactive"),)

    async def plan(self, world: World) -> Plan:
        """Says whose key it is, and when it was last used."""
        seen = await self._check(world)
        used = (
            f"{seen.used_at:%d %b %H:%M} UTC{f' for {seen.used_for}' if seen.used_for else ''}" if seen.used_at else ""
        )
        return Plan(
            targets=(f"iam:{self.key}",),
            effect=f"Deactivate the access key {self.key} of {seen.user or 'the account itself'}",
            warnings=("Everything that signs in with it stops working.",),
            notes=(f"Last used {used}." if used else "AWS has not seen it used.",),
            undo="Activate it again (aws.iam_activate_key), with the full quorum.",
        )

    async def run(self, act: Act) -> Deactivated:
        """Deactivate it. Looks once more first: approvals take time."""
        seen = await self._check(act)
        await act.use(Aws).iam_set_access_key(seen.user, self.key, active=False)
        return Deactivated(key=self.key, user=seen.user)

    async def verify(self, world: World, done: Deactivated) -> Seen:
        """IAM says that it is inactive."""
        seen = await world.use(AwsReads).iam_access_key(self.key)
        if seen.active:
            return Seen(ok=None, text=f"{self.key} is still active")
        return Seen(ok=True, text=f"{self.key} of {seen.user} is inactive")

    async def reconcile(self, world: World) -> Found:
        """Whatever happened, the key is active or it is not."""
        seen = await world.use(AwsReads).iam_access_key(self.key)
        state = "active" if seen.active else "inactive"
        done = Deactivated(key=self.key, user=seen.user)
        return Found(not seen.active, f"{self.key} of {seen.user} is {state}.", None if seen.active else done)

    async def undo(self, act: Act, done: Deactivated) -> Deactivated:
        """Activate it again. Opening what was closed takes the full quorum."""
        await act.use(Aws).iam_set_access_key(done.user, done.key, active=True)
        return done

    async def plan_undo(self, world: World, done: Deactivated) -> Plan:
        """Refuses a key that is active already."""
        seen = await world.use(AwsReads).iam_access_key(done.key)
        if seen.active:
            raise Refused(f"{done.key} of {seen.user} is active already.", todo="There is nothing to take back.")
        effect = f"Activate the access key {done.key} of {seen.user or 'the account itself'} again"
        return Plan(targets=(f"iam:{done.key}",), effect=effect, warnings=("Whoever holds it gets in again.",),
                    undo="Deactivate it again (aws.iam_deactivate_key).")  # fmt: skip

    async def verify_undo(self, world: World, done: Deactivated) -> Seen:
        """IAM says that it is active."""
        seen = await world.use(AwsReads).iam_access_key(done.key)
        if not seen.active:
            return Seen(ok=None, text=f"{done.key} is still inactive")
        return Seen(ok=True, text=f"{done.key} of {seen.user} is active again")

    async def reconcile_undo(self, world: World, done: Deactivated) -> Found:
        """Whatever happened, the key is active or it is not."""
        seen = await world.use(AwsReads).iam_access_key(done.key)
        state = "active" if seen.active else "inactive"
        return Found(seen.active, f"{done.key} of {seen.user} is {state}.", done if seen.active else None)

    async def _check(self, world: World) -> AccessKey:
        reads = world.use(AwsReads)
        if self.key == await reads.own_access_key():
            raise Refused(f"{self.key} is the key Muster itself works with: without it nothing works here.",
                          todo="Give Muster another key first, or deactivate this one by hand.")  # fmt: skip
        seen = await reads.iam_access_key(self.key)
        if not seen.active:
            raise Refused(f"{self.key} of {seen.user} is inactive already.", todo="There is nothing to close.")
        return seen

    def say(self, done: Deactivated) -> str:
        """Which key of whom."""
        return f"{done.key} of {done.user} deactivated"
