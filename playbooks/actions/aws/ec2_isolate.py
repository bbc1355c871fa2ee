"""`aws.ec2_isolate`: cut instances off from the network, running, and know the way back."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_ec2 import Ec2Instance, Interface, SecurityGroup
from playbooks.errors import MusterError, Refused

TRACKED = "Connections that are open may live on: EC2 tracks them, and a changed group does not always cut them."


class Isolated(Outputs):
    """What was cut off, and what each interface had before."""

    instances: list[str] = Field(description="The instances")
    group: str = Field(description="The quarantine group")
    old_groups: dict[str, list[str]] = Field(description="Interface -> its security groups before")


@action(
    "aws.ec2_isolate",
    risk=Risk.CONTAIN,
    again=Again.KEYED,
    needs=(
        "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups",
        "ec2:ModifyNetworkInterfaceAttribute", "ec2:CreateTags", "ec2:DeleteTags",
    ),
    result=Isolated,
)  # fmt: skip
class Ec2Isolate(Action):
    """Put EC2 instances into quarantine

    Example: {uses: aws.ec2_isolate, with: {instances: [i-0abc], quarantine_group: sg-0123}}

    Every interface gets the quarantine group alone; the instances run on, so that memory stays. The old groups are kept
    on each interface as the tag muster-groups first, so that the way back is known whatever happens to our answer; an
    interface that is in quarantine already is left as it is. Refuses when the group lets anything in or out, and when
    an instance is gone. An auto scaling group may replace what no longer answers: suspend its processes first.
    """

    instances: list[str] = Field(description="Identifiers of the instances", min_length=1, max_length=20)
    quarantine_group: str = Field(description="Id of a security group that lets nothing in or out", min_length=1)
    region: str = Field(default="", description="Region; none: the site's")

    verify_within_s = 60.0
    timeout_s = 120.0

    async def plan(self, world: World) -> Plan:
        """Says what is cut off from what."""
        seen, group = await self._check(world)
        left = [f"{one.id} ({', '.join(_groups(one))})" for one in seen if not self._done(one)]
        if not left:
            raise Refused(f"{_list(self.instances)}: in {group.id} alone already.", todo="Nothing is to be done.")
        scaled = sorted({one.scaling_group for one in seen if one.scaling_group})
        return Plan(
            targets=tuple(f"ec2:{id}" for id in sorted(self.instances)),
            effect=f"Put {_list(left)} into {group.id} alone, which lets nothing in or out",
            warnings=(
                TRACKED,
                *(f"The auto scaling group {name} may end and replace what does not answer; suspend its processes "
                  "first (aws.scaling_suspend)." for name in scaled),
            ),
            undo="Give each interface its old groups again.",
        )  # fmt: skip

    async def run(self, act: Act) -> Isolated:
        """Keep the old groups, then replace them, interface by interface."""
        seen, group = await self._check(act)
        aws = act.use(Aws).at(self.region)
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
        return Isolated(instances=self.instances, group=group.id, old_groups=old)

    async def verify(self, world: World, done: Isolated) -> Seen:
        """Each interface is in the quarantine group alone, and that still lets nothing through."""
        seen, _ = await self._check(world)
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
        return Plan(targets=tuple(f"ec2:{id}" for id in sorted(done.instances)),
                    effect=f"Let {_list(done.instances)} out of quarantine: {'; '.join(back)}",
                    warnings=("They can be reached again, and reach others.",))  # fmt: skip

    async def undo(self, act: Act, done: Isolated) -> Isolated:
        """The old groups again, interface by interface; those that have them already are left."""
        parts = self._still(await self._look(act), done)
        aws = act.use(Aws).at(self.region)
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
        return Isolated(instances=done.instances, group=done.group, old_groups={})

    async def verify_undo(self, world: World, done: Isolated) -> Seen:
        """Each interface has what it had."""
        now = {part.id: list(part.groups) for part in _parts(await self._look(world))}
        wrong = [id for id, groups in done.old_groups.items() if now.get(id) != sorted(groups)]
        if wrong:
            return Seen(ok=None, text=f"not its old groups yet: {_list(wrong)}", again_in=2.0)
        return Seen(ok=True, text=f"{_list(done.instances)} out of quarantine")

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
                   todo=f"{error.todo} Then retry: what was changed is not changed again.".strip())  # fmt: skip


def _list(words: list[str]) -> str:
    return ", ".join(words)
