"""`aws.elb_health`: how many targets of a group take traffic."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.aws import AwsReads
from playbooks.connectors.aws_elb import short
from playbooks.errors import NotYet


class TargetsSeen(Outputs):
    """Targets of the group."""

    healthy: int = Field(description="How many take traffic")
    targets: int = Field(description="How many are registered")
    states: dict[str, int] = Field(description="How many are in each state")


@action(
    "aws.elb_health",
    risk=Risk.READ,
    again=Again.SAFE,
    needs=("elasticloadbalancing:DescribeTargetHealth",),
    result=TargetsSeen,
)
class ElbHealth(Action):
    """Look at the targets of a load balancer's group

    Example: {uses: aws.elb_health, with: {target_group: "arn:aws:…:targetgroup/checkout/1", at_least: 2, within: 5m}}

    Looks again until `at_least` targets are healthy. A group without targets is never healthy.
    """

    target_group: str = Field(description="ARN of the target group", min_length=1)
    at_least: int = Field(default=1, description="How many must be healthy", ge=0)
    within: Length = Field(default=timedelta(minutes=5), description="How long to look again")
    region: str = Field(default="", description="Region; none: the site's")

    def within_s(self) -> float:
        """As long as `within` says."""
        return self.within.total_seconds()

    async def look(self, world: World) -> TargetsSeen:
        """One look."""
        seen = await world.use(AwsReads).at(self.region).elb_health(self.target_group)
        if seen.healthy < self.at_least:
            why = f" ({'; '.join(seen.reasons[:3])})" if seen.reasons else ""
            raise NotYet(
                f"{seen.healthy} of {seen.targets} targets of {short(self.target_group)} are healthy, {self.at_least} "
                f"are wanted{why}",
                again_in=5.0,
            )
        return TargetsSeen(healthy=seen.healthy, targets=seen.targets, states=dict(seen.states))

    def say(self, done: TargetsSeen) -> str:
        """n of m healthy."""
        return f"{short(self.target_group)}: {done.healthy} of {done.targets} targets healthy"
