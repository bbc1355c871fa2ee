"""Instances taken out of auto scaling groups and target groups, and put back. Shared by actions; declares none.

Belongs here: what holds an instance, letting go of it, and the way back, kept on the instance itself as tags. Does not
belong here: networks and quarantine (ec2_isolate.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_ec2 import Ec2Instance
from playbooks.connectors.aws_elb import Membership, short
from playbooks.errors import Refused

Capacity = Literal["keep", "shrink"]
GROUP_TAG = "muster-scaling-group"
TARGET_TAG = "muster-target-"  # and a number: "ARN id port" each


@dataclass(frozen=True)
class Held:
    """What holds instances. scaling: instance -> group; targets: instance -> where it is registered."""

    scaling: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, Sequence[Membership]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.scaling or self.targets)

    @property
    def groups(self) -> dict[str, list[str]]:
        """Group -> its instances."""
        found: dict[str, list[str]] = {}
        for instance, group in self.scaling.items():
            found.setdefault(group, []).append(instance)
        return found


async def held(aws: AwsReads, seen: Sequence[Ec2Instance]) -> Held:
    """What holds these instances now."""
    scaling, members = await asyncio.gather(
        aws.scaling_of([one.id for one in seen]),
        aws.elb_memberships([name for one in seen for name in (one.id, *one.addresses)], {
            part.vpc for one in seen for part in one.interfaces
        }),
    )  # fmt: skip
    targets = {one.id: [each for each in members if each.target in (one.id, *one.addresses)] for one in seen}
    return Held(scaling, {id: found for id, found in targets.items() if found})


def kept(seen: Sequence[Ec2Instance]) -> Held:
    """What held them before, by their tags."""
    scaling = {one.id: one.tags[GROUP_TAG] for one in seen if GROUP_TAG in one.tags}
    targets = {one.id: [_member(text) for name, text in sorted(one.tags.items()) if name.startswith(TARGET_TAG)]
               for one in seen}  # fmt: skip
    return Held(scaling, {id: found for id, found in targets.items() if found})


def both(now: Held, before: Held) -> Held:
    """What holds them, and what held them and does not any more."""
    targets = {id: [*now.targets.get(id, ()), *(one for one in before.targets.get(id, ())
                                                if one not in now.targets.get(id, ()))]
               for id in {*now.targets, *before.targets}}  # fmt: skip
    return Held({**before.scaling, **now.scaling}, targets)


async def check(aws: AwsReads, now: Held, capacity: Capacity | None) -> list[str]:
    """Letting go of it, in words. Raises Refused where the choice about capacity is missing or cannot be had."""
    said = []
    for name, instances in now.groups.items():
        if capacity is None:
            raise Refused(f"{', '.join(instances)} belong to the auto scaling group {name}, which ends what does not "
                          "answer any more. Nothing was changed.",
                          todo="Say capacity: keep (it starts others instead), or shrink.")  # fmt: skip
        group = await aws.scaling_group(name)
        if capacity == "shrink" and group.desired - len(instances) < group.least:
            raise Refused(f"{name} cannot get smaller by {len(instances)}: it wants {group.desired} and must have "
                          f"{group.least}. Nothing was changed.",
                          todo="Say capacity: keep, or lower its minimum first (aws.scaling_set).")  # fmt: skip
        then = "which starts others instead" if capacity == "keep" else f"which gets smaller by {len(instances)}"
        said.append(f"take {', '.join(instances)} out of the auto scaling group {name}, {then}")
    for instance, members in now.targets.items():
        said.append(f"take {instance} out of {', '.join(sorted(short(one.group) for one in members))}")
    return said


async def let_go(aws: Aws, now: Held, whole: Held, capacity: Capacity | None) -> None:
    """Remember the whole on each instance, then take them out of what holds them now."""
    for instance in {*now.scaling, *now.targets}:
        tags = {f"{TARGET_TAG}{number}": f"{one.group} {one.target} {one.port}"
                for number, one in enumerate(whole.targets.get(instance, ()))}  # fmt: skip
        if instance in whole.scaling:
            tags[GROUP_TAG] = whole.scaling[instance]
        await aws.ec2_tag(instance, tags)
    for name, instances in now.groups.items():
        await aws.scaling_detach(name, instances, shrink=capacity == "shrink")
    for members in now.targets.values():
        for one in members:
            await aws.elb_deregister(one)


async def room(aws: AwsReads, back: Held) -> list[str]:
    """Putting them back, in words. Raises Refused where a group is full."""
    said = []
    for name, instances in back.groups.items():
        group = await aws.scaling_group(name)
        if group.desired + len(instances) > group.most:
            raise Refused(f"{name} is full: it wants {group.desired} and may have {group.most}. Nothing was changed.",
                          todo="Let it be larger (aws.scaling_set), or end those it started instead.")  # fmt: skip
        said.append(f"{', '.join(instances)} into the auto scaling group {name}, which then wants "
                    f"{group.desired + len(instances)}")  # fmt: skip
    for instance, members in back.targets.items():
        said.append(f"{instance} into {', '.join(sorted(short(one.group) for one in members))}")
    return said


async def take_back(aws: Aws, seen: Sequence[Ec2Instance], before: Held) -> None:
    """Put them where they were and forget the tags. What is there already is not put there again."""
    now = await held(aws, seen)
    for name, instances in before.groups.items():
        if missing := [id for id in instances if id not in now.scaling]:
            await aws.scaling_attach(name, missing)
    for instance, members in before.targets.items():
        for one in members:
            if one not in now.targets.get(instance, ()):
                await aws.elb_register(one)
    for one_ in seen:
        if names := [name for name in one_.tags if name == GROUP_TAG or name.startswith(TARGET_TAG)]:
            await aws.ec2_untag(one_.id, names)


def as_text(targets: Mapping[str, Sequence[Membership]]) -> dict[str, list[str]]:
    """For outputs: instance -> "ARN id port"."""
    return {id: [f"{one.group} {one.target} {one.port}" for one in found] for id, found in targets.items()}


def from_text(scaling: Mapping[str, str], targets: Mapping[str, Sequence[str]]) -> Held:
    """Outputs back again."""
    return Held(dict(scaling), {id: [_member(one) for one in found] for id, found in targets.items()})


def _member(text: str) -> Membership:
    group, target, port = text.split(" ")
    return Membership(group, target, int(port))
