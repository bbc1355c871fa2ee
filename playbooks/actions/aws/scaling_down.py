"""`aws.scaling_down`: fewer instances for an auto scaling group, or none."""

from __future__ import annotations

from playbooks.action import Again, Plan, Risk, World, action
from playbooks.actions.scaling import SetsSize, Sized
from playbooks.connectors.aws_scaling import ScalingGroup
from playbooks.errors import Refused


@action(
    "aws.scaling_down",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("autoscaling:DescribeAutoScalingGroups", "autoscaling:UpdateAutoScalingGroup"),
    result=Sized,
)
class ScalingDown(SetsSize):
    """Take instances from an auto scaling group

    Example: {uses: aws.scaling_down, with: {group: checkout, desired: 1}}

    Sets all three sizes at once; `least` and `most` stay as they are where `desired` fits between them, else they move
    just as far. The group ends instances of its own choice, with what is only on them. Never more than there are: that
    is aws.scaling_set.
    """

    async def plan(self, world: World) -> Plan:
        """Says from how many to how many."""
        seen = await self.planned(world)
        return Plan(targets=(f"autoscaling:{self.group}",), effect=seen.effect, warnings=seen.warnings, undo=seen.undo)

    def way(self, now: ScalingGroup) -> None:
        """Never more."""
        if self.desired > now.desired:
            raise Refused(f"{self.group} has {now.desired} instances wanted, fewer than {self.desired}. "
                          "Nothing was changed.",
                          todo="More is aws.scaling_set, which takes no approvals.")  # fmt: skip
