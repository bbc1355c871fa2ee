"""`aws.flag_parameter`: a switch that services read from SSM's parameter store gets another value."""

from __future__ import annotations

import json
from datetime import timedelta

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_parameters import Parameter
from playbooks.errors import Refused
from playbooks.host_commands import masked

SHOWN = 200  # characters of an old value on a card
SKEW_S = 2.0  # between AWS's clock and ours


class Switched(Outputs):
    """The versions of the parameter after and before; version 0: not known."""

    parameter: str = Field(description="Name of the parameter")
    version: int = Field(description="Version that holds the new value")
    old_version: int = Field(description="Version that held the value before")


@action(
    "aws.flag_parameter",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter"),
    result=Switched,
)
class FlagParameter(Action):
    """Set a switch in SSM's parameter store

    Example: {uses: aws.flag_parameter, with: {parameter: /checkout/redis, value: "false", from_value: "true"}}

    For plain parameters that exist; a SecureString is refused. Services see it when they read the parameter again.
    """

    parameter: str = Field(description="Name of the parameter", min_length=1)
    value: str = Field(description="What it should say", min_length=1, max_length=1000)
    from_value: str = Field(default="", description="What it must say now; none: whatever it says")
    region: str = Field(default="", description="Region; none: the site's")

    verify_within_s = 30.0

    async def plan(self, world: World) -> Plan:
        """Says from what to what."""
        now = await self._check(world)
        return Plan(
            targets=(f"parameter:{self.parameter}",),
            effect=f"Set {self.parameter}: {_shown(self.parameter, now.value)} -> {_word(self.value)}",
            warnings=("Services see it when they read it again; many read it only when they start.",),
            undo="Sets the value before again.",
        )

    async def run(self, act: Act) -> Switched:
        """Write the value, after one more look."""
        now = await self._check(act)
        version = await act.use(Aws).at(self.region).parameter_set(self.parameter, self.value)
        return Switched(parameter=self.parameter, version=version, old_version=now.version)

    async def verify(self, world: World, done: Switched) -> Seen:
        """It says so, in the version that was written."""
        now = await self._now(world)
        if now.value == self.value:
            return Seen(ok=True, text=f"{self.parameter} says {_word(self.value)} (version {now.version})")
        changed = now.version > done.version > 0
        return Seen(ok=False if changed else None, text=f"{self.parameter} says something else (version {now.version})")

    async def reconcile(self, world: World) -> Found:
        """Looks for a version with this value that was made since the step began."""
        began = (world.started_at or world.now) - timedelta(seconds=SKEW_S)
        made = await world.use(AwsReads).at(self.region).parameter_versions(self.parameter, began)
        ours = [one for one in made if one.value == self.value]
        if not ours:
            now = await self._now(world)
            return Found(False, f"{self.parameter} is at version {now.version}; none with this value was made since.")
        version = ours[0].version
        done = Switched(parameter=self.parameter, version=version, old_version=version - 1)
        return Found(True, f"Version {version} of {self.parameter} with this value was made since the start.", done)

    async def undo(self, act: Act, done: Switched) -> Switched:
        """Write the value of the version before."""
        old = await self._back(act, done)
        version = await act.use(Aws).at(self.region).parameter_set(self.parameter, old.value)
        return Switched(parameter=self.parameter, version=version, old_version=done.version)

    async def plan_undo(self, world: World, done: Switched) -> Plan:
        """Refuses when somebody changed it since."""
        old = await self._back(world, done)
        return Plan(
            targets=(f"parameter:{self.parameter}",),
            effect=f"Set {self.parameter} back: {_word(self.value)} -> {_shown(self.parameter, old.value)}",
        )

    async def verify_undo(self, world: World, done: Switched) -> Seen:
        """It says what it said before."""
        reads = world.use(AwsReads).at(self.region)
        old = await reads.parameter(self.parameter, done.old_version)
        same = (await self._now(world)).value == old.value
        return Seen(
            ok=True if same else None, text=f"{self.parameter} says {'' if same else 'not '}what it said before"
        )

    async def reconcile_undo(self, world: World, done: Switched) -> Found:
        """Its value tells."""
        seen = await self.verify_undo(world, done)
        return Found(happened=bool(seen.ok), evidence=f"{seen.text}.")

    async def _now(self, world: World) -> Parameter:
        return await world.use(AwsReads).at(self.region).parameter(self.parameter)

    async def _check(self, world: World) -> Parameter:
        """The parameter as it is. Raises Refused."""
        now = await self._now(world)
        if now.secret:
            raise Refused(f"{self.parameter} is a SecureString: what it says is not shown, and not set from here.",
                          todo="Keep switches in plain parameters; secrets are for aws.secret_put.")  # fmt: skip
        if now.value == self.value:
            raise Refused(f"{self.parameter} says {_word(self.value)} already.", todo="Nothing is to be done.")
        if self.from_value and now.value != self.from_value:
            raise Refused(f"{self.parameter} does not say {_word(self.from_value)}: somebody changed it. It was left "
                          "alone.", todo="Look who did, then ask again.")  # fmt: skip
        return now

    async def _back(self, world: World, done: Switched) -> Parameter:
        """The version to go back to. Raises Refused."""
        now = await self._now(world)
        if now.version != done.version:
            raise Refused(f"{self.parameter} was changed since (version {now.version}, not {done.version}). It was "
                          "left alone.", todo="Look what it says now.")  # fmt: skip
        if done.old_version < 1:
            raise Refused(f"{self.parameter} had no version before. It was left alone.")
        return await world.use(AwsReads).at(self.region).parameter(self.parameter, done.old_version)

    def say(self, done: Switched) -> str:
        """Which parameter, which version."""
        return f"{done.parameter} set (version {done.version})"


def _word(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shown(name: str, value: str) -> str:
    """An old value as a card says it: not when it is long or looks like a secret."""
    line = f"{name.rpartition('/')[2]}={value}"
    return _word(value) if len(value) <= SHOWN and masked(line) == line else "(not shown)"
