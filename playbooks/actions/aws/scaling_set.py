"""`aws.scaling_set`: more instances for an auto scaling group."""

from __future__ import annotations

from playbooks.action import Again, Plan, Risk, World, action
from playbooks.actions.scaling import SetsSize, Sized
from playbooks.connectors.aws_scaling import ScalingGroup
from playbooks.errors import Refused


@action(
    "aws.scaling_set",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("autoscaling:DescribeAutoScalingGroups", "autoscaling:UpdateAutoScalingGroup"),
    result=Sized,
)
class ScalingSet(SetsSize):
    """Give an auto scaling group more instances

    Example: {uses: aws.scaling_set, with: {group: checkout, desired: 6}}

    Sets all three sizes at once; `least` and `most` stay as they are where `desired` fits between them, else they move
    just as far. Never fewer than there are: that is aws.scaling_down, which takes approvals. So does the undo. Verified
    by as many healthy ones in service.
    """

    async def plan(self, world: World) -> Plan:
        """Says from how many to how many."""
        seen = await self.planned(world)
        return Plan(targets=(f"autoscaling:{self.group}",), effect=seen.effect, warnings=seen.warnings, undo=seen.undo)

    def way(self, now: ScalingGroup) -> None:
        """Never fewer."""
        if self.desired < now.desired:
            raise Refused(f"{self.group} has {now.desired} instances wanted, more than {self.desired}. "
                          "Nothing was changed.",
                          todo="Fewer is aws.scaling_down, with its approvals.")  # fmt: skip

    @classmethod
    def undo_risk(cls) -> Risk:
        """Fewer instances can cut users off, whoever asked for more."""
        return Risk.RECOVERABLE
