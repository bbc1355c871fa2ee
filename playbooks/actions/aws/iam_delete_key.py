"""`aws.iam_delete_key`: an IAM access key goes for good."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws import AccessKey, Aws, AwsReads
from playbooks.errors import Refused


class Deleted(Outputs):
    """Which key is gone."""

    key: str = Field(description="Id of the access key")
    user: str = Field(description="The IAM user it belonged to")


@action(
    "aws.iam_delete_key",
    risk=Risk.IRREVERSIBLE,
    again=Again.NEVER,
    needs=("iam:GetAccessKeyLastUsed", "iam:ListAccessKeys", "iam:DeleteAccessKey"),
    result=Deleted,
)
class IamDeleteKey(Action):
    """Delete an IAM access key

    Example: {uses: aws.iam_delete_key, with: {key: AKIAIOSFODNN7EXAMPLE}}

    Refuses the key Muster itself works with, and one that is still active unless `active: true`: deactivate it first
    and see who misses it. Sessions that were begun with it live on until they run out.
    """

    key: str = Field(description="Id of the access key", pattern=r"^[A-Za-z0-9]{16,128}$")
    active: bool = Field(default=False, description="Also while it is active")

    why_no_undo = "A deleted key cannot come back; make a new one (aws.iam_create_key)."

    async def plan(self, world: World) -> Plan:
        """Says whose key it is, and when it was last used."""
        seen = await self._check(world)
        used = f"Last used {seen.used_at:%d %b %H:%M} UTC." if seen.used_at else "AWS has not seen it used."
        return Plan(
            targets=(f"iam:{self.key}",),
            effect=f"Delete the access key {self.key} of {seen.user}",
            warnings=("It cannot come back.", "Sessions begun with it live on until they run out."),
            notes=(used,),
        )

    async def run(self, act: Act) -> Deleted:
        """Delete it, after one more look."""
        seen = await self._check(act)
        await act.use(Aws).iam_delete_key(seen.user, self.key)
        return Deleted(key=self.key, user=seen.user)

    async def verify(self, world: World, done: Deleted) -> Seen:
        """Its user has it no more; nobody has, where reconcile could not say whose it was."""
        there = (
            self.key in [one.id for one in await world.use(AwsReads).iam_user_keys(done.user)] if done.user
            else (await self.reconcile(world)).happened is False
        )  # fmt: skip
        return Seen(ok=None if there else True, text=f"{self.key} is {'still listed' if there else 'gone'}")

    async def reconcile(self, world: World) -> Found:
        """Nobody has it: it was deleted."""
        try:
            seen = await world.use(AwsReads).iam_access_key(self.key)
        except ServiceRefused as error:
            if error.code != "NoSuchEntity":
                raise
            return Found(happened=True, evidence=f"No user has {self.key}.", outputs=Deleted(key=self.key, user=""))
        return Found(happened=False, evidence=f"{seen.user} still has {self.key}.")

    async def _check(self, world: World) -> AccessKey:
        reads = world.use(AwsReads)
        if self.key == await reads.own_access_key():
            raise Refused(f"{self.key} is the key Muster itself works with: without it nothing works here.",
                          todo="Give Muster another key first.")  # fmt: skip
        seen = await reads.iam_access_key(self.key)
        if seen.active and not self.active:
            raise Refused(f"{self.key} of {seen.user} is active. It was not deleted.",
                          todo="Deactivate it first (contain/deactivate-key) and see who misses it.")  # fmt: skip
        return seen

    def say(self, done: Deleted) -> str:
        """Which key of whom."""
        return f"{done.key}{f' of {done.user}' if done.user else ''} deleted"
