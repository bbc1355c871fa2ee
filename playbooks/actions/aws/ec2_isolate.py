"""`aws.ec2_isolate`: cut instances off from the network, running, and know the way back."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions import detached
from playbooks.actions.detached import Capacity, Held
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_ec2 import Ec2Instance, Interface, SecurityGroup
from playbooks.errors import MusterError, Refused

TRACKED = "Connections that are open may live on: EC2 tracks them, and a changed group does not always cut them."


class Isolated(Outputs):
    """What was cut off, and what each interface had before."""

    instances: list[str] = Field(description="The instances")
    group: str = Field(description="The quarantine group")
    old_groups: dict[str, list[str]] = Field(description="Interface -> its security groups before")
    scaling: dict[str, str] = Field(default={}, description="Instance -> auto scaling group it was taken out of")
    targets: dict[str, list[str]] = Field(
        default={}, description="Instance -> target groups it was taken out of: ARN, target and port of each"
    )


@action(
    "aws.ec2_isolate",
    risk=Risk.CONTAIN,
    again=Again.KEYED,
    needs=(
        "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups",
        "ec2:ModifyNetworkInterfaceAttribute", "ec2:CreateTags", "ec2:DeleteTags",
        "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DetachInstances", "autoscaling:AttachInstances",
        "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets",
    ),
    result=Isolated,
    version=2,
)  # fmt: skip
class Ec2Isolate(Action):
    """Put EC2 instances into quarantine

    Example: {uses: aws.ec2_isolate, with: {instances: [i-0abc], quarantine_group: sg-0123}}

    First the instances leave their auto scaling group, which would end what does not answer any more, and their target
    groups; then every interface gets the quarantine group alone. They run on, so that memory stays. What held them is
    kept as tags on instance and interface first, so that the way back is known whatever happens to our answer; what is
    done already is left as it is. Refuses when the group lets anything in or out, when an instance is gone, and when
    one belongs to an auto scaling group and `capacity` does not say what becomes of that.
    """

    instances: list[str] = Field(description="Identifiers of the instances", min_length=1, max_length=20)
    quarantine_group: str = Field(description="Id of a security group that lets nothing in or out", min_length=1)
    capacity: Capacity | None = Field(
        default=None, description="keep: their auto scaling group starts others instead; shrink: it gets smaller"
    )
    region: str = Field(default="", description="Region; none: the site's")

    verify_within_s = 60.0
    timeout_s = 120.0

    async def plan(self, world: World) -> Plan:
        """Says what is cut off from what."""
        seen, group = await self._check(world)
        aws = world.use(AwsReads).at(self.region)
        held = await detached.held(aws, seen)
        left = [f"{one.id} ({', '.join(_groups(one))})" for one in seen if not self._done(one)]
        if not left and not held:
            raise Refused(f"{_list(self.instances)}: in {group.id} alone already.", todo="Nothing is to be done.")
        steps = await detached.check(aws, held, self.capacity)
        if left:
            steps.append(f"put {_list(left)} into {group.id} alone, which lets nothing in or out")
        effect = "; ".join(steps)
        return Plan(
            targets=tuple(f"ec2:{id}" for id in sorted(self.instances)), effect=effect[0].upper() + effect[1:],
            warnings=(TRACKED,), undo="Give each interface its old groups again, and each group its instances.",
        )  # fmt: skip

    async def run(self, act: Act) -> Isolated:
        """Out of what would end it, then cut off; what there was is kept first, interface by interface."""
        seen, group = await self._check(act)
        aws = act.use(Aws).at(self.region)
        held = await detached.held(aws, seen)
        await detached.check(aws, held, self.capacity)
        all_ = detached.both(held, detached.kept(seen))
        try:
            await detached.let_go(aws, held, all_, self.capacity)
        except Refused as error:
            raise Refused(f"No network was cut: {error.message} What had left its groups by then stays out of them.",
                          todo=_retry(error)) from None  # fmt: skip
        old: dict[str, list[str]] = {}
        for moved, part in enumerate(_parts(seen)):
            if part.groups != (group.id,):
                try:
                    await aws.ec2_keep_groups(part.id, part.groups)
                    await aws.ec2_set_groups(part.id, [group.id])
                except Refused as error:
                    raise _half(error, moved, len(_parts(seen)), "in quarantine") from None
                old[part.id] = list(part.groups)
            elif part.kept:
                old[part.id] = list(part.kept)
        return Isolated(instances=self.instances, group=group.id, old_groups=old, scaling=dict(all_.scaling),
                        targets=detached.as_text(all_.targets))  # fmt: skip

    async def verify(self, world: World, done: Isolated) -> Seen:
        """Each interface is in the quarantine group alone, and that still lets nothing through."""
        seen, _ = await self._check(world)
        held = await detached.held(world.use(AwsReads).at(self.region), seen)
        if held:
            return Seen(ok=None, text=f"still held: {_list(sorted({*held.scaling, *held.targets}))}", again_in=2.0)
        open_ = [one.id for one in seen if not self._done(one)]
        if open_:
            return Seen(ok=None, text=f"not in quarantine: {_list(open_)}", again_in=2.0)
        return Seen(ok=True, text=f"{_list(self.instances)} in {done.group} alone")

    async def plan_undo(self, world: World, done: Isolated) -> Plan:
        """Says which groups come back; refuses when somebody changed them since."""
        self._still(await self._look(world), done)
        if not done.old_groups:
            raise Refused("The groups these instances had before are not known.", todo="Set them in EC2 by hand.")
        back = [f"{id} into {', '.join(groups)}" for id, groups in sorted(done.old_groups.items())]
        back += await detached.room(world.use(AwsReads).at(self.region), await self._out(world, done))
        return Plan(targets=tuple(f"ec2:{id}" for id in sorted(done.instances)),
                    effect=f"Let {_list(done.instances)} out of quarantine: {'; '.join(back)}",
                    warnings=("They can be reached again, and reach others.",))  # fmt: skip

    async def undo(self, act: Act, done: Isolated) -> Isolated:
        """The old groups again, interface by interface, then what held them; what is so already is left."""
        seen = await self._look(act)
        parts = self._still(seen, done)
        aws = act.use(Aws).at(self.region)
        await detached.room(aws, await self._out(act, done))
        freed = 0
        for part in parts:
            groups = done.old_groups.get(part.id)
            if groups is None:
                continue
            try:
                if list(part.groups) != sorted(groups):
                    await aws.ec2_set_groups(part.id, groups)
                await aws.ec2_forget_groups(part.id)
            except Refused as error:
                raise _half(error, freed, len(done.old_groups), "out of quarantine") from None
            freed += 1
        try:
            await detached.take_back(aws, seen, detached.from_text(done.scaling, done.targets))
        except Refused as error:
            raise Refused(f"They are out of quarantine, and not all back where they were: {error.message}",
                          todo=_retry(error)) from None  # fmt: skip
        return Isolated(instances=done.instances, group=done.group, old_groups={})

    async def verify_undo(self, world: World, done: Isolated) -> Seen:
        """Each interface has what it had, and each instance is where it was."""
        now = {part.id: list(part.groups) for part in _parts(await self._look(world))}
        wrong = [id for id, groups in done.old_groups.items() if now.get(id) != sorted(groups)]
        if wrong:
            return Seen(ok=None, text=f"not its old groups yet: {_list(wrong)}", again_in=2.0)
        if out := await self._out(world, done):
            return Seen(ok=None, text=f"not back: {_list(sorted({*out.scaling, *out.targets}))}", again_in=2.0)
        return Seen(ok=True, text=f"{_list(done.instances)} out of quarantine")

    async def _out(self, world: World, done: Isolated) -> Held:
        """What held them before and does not now."""
        before = detached.from_text(done.scaling, done.targets)
        now = await detached.held(world.use(AwsReads).at(self.region), await self._look(world))
        targets = {id: [one for one in found if one not in now.targets.get(id, ())]
                   for id, found in before.targets.items()}  # fmt: skip
        return Held({id: name for id, name in before.scaling.items() if id not in now.scaling},
                    {id: found for id, found in targets.items() if found})  # fmt: skip

    def say(self, done: Isolated) -> str:
        """i-1, i-2 in sg-quarantine alone."""
        return f"{_list(done.instances)} in {done.group} alone"

    async def _look(self, world: World) -> list[Ec2Instance]:
        return await world.use(AwsReads).at(self.region).ec2_instances(self.instances)

    async def _check(self, world: World) -> tuple[list[Ec2Instance], SecurityGroup]:
        """The instances and the group, when it is a quarantine. Raises Refused."""
        group = await world.use(AwsReads).at(self.region).ec2_group(self.quarantine_group)
        if group.rules:
            raise Refused(f"{group.id} is no quarantine: it lets {'; '.join(group.rules[:5])}. Nothing was changed.",
                          todo="Take its rules away, or name a group without any.")  # fmt: skip
        seen = await self._look(world)
        if gone := [f"{one.id} is {one.state}" for one in seen if one.state in ("shutting-down", "terminated")]:
            raise Refused(f"{', '.join(gone)}: there is nothing to isolate. Nothing was changed.",
                          todo="Name the instances that run.")  # fmt: skip
        if away := [one.id for one in seen for part in one.interfaces if part.vpc != group.vpc]:
            raise Refused(f"{_list(away)} and {group.id} are in different networks. Nothing was changed.",
                          todo="Name a quarantine group of the same VPC.")  # fmt: skip
        return seen, group

    def _done(self, one: Ec2Instance) -> bool:
        return all(part.groups == (self.quarantine_group,) for part in one.interfaces)

    def _still(self, seen: list[Ec2Instance], done: Isolated) -> list[Interface]:
        """Interfaces that are as this step, or its undo, left them. Raises Refused."""
        parts = _parts(seen)
        known = [(done.group,)]
        for part in parts:
            if part.groups not in [*known, tuple(sorted(done.old_groups.get(part.id, ())))]:
                raise Refused(f"{part.id} is in {', '.join(part.groups)} by now: somebody changed it since. It was "
                              "left alone.", todo="Set its groups in EC2 by hand.")  # fmt: skip
        return parts


def _parts(seen: list[Ec2Instance]) -> list[Interface]:
    return [part for one in seen for part in one.interfaces]


def _groups(one: Ec2Instance) -> list[str]:
    return sorted({group for part in one.interfaces for group in part.groups})


def _half(error: MusterError, moved: int, whole: int, where: str) -> MusterError:
    """A refusal after some interfaces were changed says so; asked again, it goes on where it stopped."""
    if not moved:
        return error
    return Refused(f"{moved} of {whole} interfaces are {where}, the others are not: {error.message}",
                   todo=_retry(error))  # fmt: skip


def _retry(error: MusterError) -> str:
    return f"{error.todo} Then retry: what was changed is not changed again.".strip()


def _list(words: list[str]) -> str:
    return ", ".join(words)
