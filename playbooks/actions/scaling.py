"""The base of actions that set the sizes of an auto scaling group, up or down. Declares no action.

Belongs here: sizes, the one change, looking, the way back. Does not belong here: which way is allowed (the actions).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Found, Outputs, Plan, Seen, World
from playbooks.actions.durations import Length
from playbooks.changes import UNKNOWN, Change, said
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_scaling import ScalingGroup
from playbooks.errors import Refused

Size = tuple[int, int, int]  # least, desired, most


class Sized(Outputs):
    """The sizes: [least, desired, most]."""

    group: str = Field(description="The auto scaling group")
    size: list[int] = Field(description="[least, desired, most] now")
    old_size: list[int] = Field(description="[least, desired, most] before; empty where that is not known")


class SetsSize(Action):
    """Base: all three sizes at once. Verified by exactly as many instances, healthy and in service."""

    group: str = Field(description="Name of the auto scaling group", min_length=1)
    desired: int = Field(description="How many instances", ge=0, le=1000)
    least: int | None = Field(default=None, description="The fewest; none: as it is", ge=0, le=1000)
    most: int | None = Field(default=None, description="The most; none: as it is", ge=0, le=1000)
    within: Length = Field(default=timedelta(minutes=10), description="How long until they are in service")
    region: str = Field(default="", description="Region; none: the site's")

    def within_s(self) -> float:
        """As long as `within` says."""
        return self.within.total_seconds()

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """The sizes before and after."""
        old, thing = outputs.get("old_size"), f"autoscaling {params.get('region', '')}/{outputs.get('group')}"
        return (Change(thing, said(old) if old else UNKNOWN, said(outputs.get("size"))),)

    async def planned(self, world: World) -> Plan:
        """From how many to how many, and how many are ended."""
        now = await self._now(world)
        fewer = len(now.instances) - self.desired
        return Plan(
            targets=(f"autoscaling:{self.group}",),
            effect=f"Set the auto scaling group {self.group}: {_words(_size(now))} -> {_words(self._wanted(now))}",
            warnings=(f"{fewer} instances are ended, with what is only on them.",) if fewer > 0 else (),
            undo=f"Set it to {_words(_size(now))} again; ended instances are replaced by new ones.",
        )

    @abstractmethod
    def way(self, now: ScalingGroup) -> None:
        """Raises Refused when that would be the other way."""

    async def run(self, act: Act) -> Sized:
        """One change, after one more look."""
        now = await self._now(act)
        wanted = self._wanted(now)
        await self._set(act, wanted)
        return Sized(group=self.group, size=list(wanted), old_size=list(_size(now)))

    async def verify(self, world: World, done: Sized) -> Seen:
        """As many are in service and healthy, no more and no fewer."""
        return self._judged(await self._look(world), done.size)

    async def reconcile(self, world: World) -> Found:
        """The sizes tell, not what they were before."""
        now = await self._look(world)
        said = f"{self.group} is set to {_words(_size(now))}."
        if _size(now) != self._wanted(now):
            return Found(happened=False, evidence=said)
        return Found(happened=True, evidence=f"{said} What it was before is on the approval.",
                     outputs=Sized(group=self.group, size=list(_size(now)), old_size=[]))  # fmt: skip

    async def plan_undo(self, world: World, done: Sized) -> Plan:
        """Says the way back; refuses when somebody changed it since."""
        self._still(await self._look(world), done)
        return Plan(targets=(f"autoscaling:{self.group}",),
                    effect=f"Set the auto scaling group {done.group} back: {_words(done.size)} -> "
                           f"{_words(done.old_size)}")  # fmt: skip

    async def undo(self, act: Act, done: Sized) -> Sized:
        """The old sizes again."""
        self._still(await self._look(act), done)
        least, desired, most = done.old_size
        await self._set(act, (least, desired, most))
        return Sized(group=done.group, size=done.old_size, old_size=done.size)

    async def verify_undo(self, world: World, done: Sized) -> Seen:
        """As many as before are in service and healthy."""
        return self._judged(await self._look(world), done.old_size)

    async def reconcile_undo(self, world: World, done: Sized) -> Found:
        """The sizes tell."""
        now = await self._look(world)
        return Found(list(_size(now)) == done.old_size, f"{self.group} is set to {_words(_size(now))}.")

    def say(self, done: Sized) -> str:
        """group: 2 -> 6."""
        before = _words(done.old_size) if done.old_size else "as before"
        return f"{done.group}: {before} -> {_words(done.size)}"

    async def _look(self, world: World) -> ScalingGroup:
        return await world.use(AwsReads).at(self.region).scaling_group(self.group)

    async def _set(self, act: Act, size: Size) -> None:
        least, desired, most = size
        await act.use(Aws).at(self.region).scaling_set(self.group, least=least, most=most, desired=desired)

    def _wanted(self, now: ScalingGroup) -> Size:
        least = min(now.least, self.desired) if self.least is None else self.least
        most = max(now.most, self.desired) if self.most is None else self.most
        return least, self.desired, most

    async def _now(self, world: World) -> ScalingGroup:
        now = await self._look(world)
        least, desired, most = wanted = self._wanted(now)
        if not least <= desired <= most:
            raise Refused(f"{desired} instances are not between {least} and {most}. Nothing was changed.",
                          todo="Say `least` and `most` so that `desired` fits.")  # fmt: skip
        self.way(now)
        if wanted == _size(now):
            raise Refused(f"{self.group} is set to {_words(wanted)} already.", todo="Nothing is to be done.")
        return now

    def _judged(self, now: ScalingGroup, size: list[int]) -> Seen:
        said = f"{now.healthy} of {size[1]} in service and healthy, {len(now.instances)} there"
        if list(_size(now)) != size:
            return Seen(ok=False, text=f"{self.group} is set to {_words(_size(now))}: somebody changed it since")
        return Seen(ok=True if now.healthy == len(now.instances) == size[1] else None, text=said, again_in=5.0)

    def _still(self, now: ScalingGroup, done: Sized) -> None:
        if not done.old_size:
            raise Refused("What it was set to before is not known: its outcome was lost. Nothing was changed.",
                          todo="The approval card says what it was; ask for that as a step.")  # fmt: skip
        if list(_size(now)) != done.size:
            raise Refused(f"{self.group} is set to {_words(_size(now))} by now: somebody changed it since. It was left "
                          "alone.", todo="Change it by a step of its own.")  # fmt: skip


def _size(now: ScalingGroup) -> Size:
    return now.least, now.desired, now.most


def _words(size: Size | list[int]) -> str:
    """2 (2 to 4)."""
    least, desired, most = size
    return f"{desired} ({least} to {most})"
