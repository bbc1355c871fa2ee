"""`aws.elb_switch`: let a load balancer's listener or rule forward to other target groups."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import Any

from pydantic import Field, model_validator

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.changes import UNKNOWN, Change, said
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_elb import Forwarding, short
from playbooks.errors import Refused


class Forwarded(Outputs):
    """Where traffic went, and goes."""

    arn: str = Field(description="The listener or rule")
    weights: dict[str, int] = Field(description="Target group ARN -> weight, now")
    old_weights: dict[str, int] = Field(description="Target group ARN -> weight, before")


@action(
    "aws.elb_switch",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=(
        "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyRule",
    ),
    result=Forwarded,
)  # fmt: skip
class ElbSwitch(Action):
    """Send a load balancer's traffic to other target groups

    Example: {uses: aws.elb_switch, with: {forwards: "arn:aws:…:listener/app/a/1/1", weights: {"arn:aws:…:targetgroup/dr/1": 100}}}

    Replaces the weights of what the listener (by default) or the rule forwards to; all else it does stays. Refuses when
    a group that is to get traffic has no healthy target, unless `unhealthy: true`. With `to`, one group gets all of it,
    and what forwards there already is left as it is. Changing a group's health check path,
    as some runbooks say, would move no traffic.
    """  # noqa: E501

    forwards: str = Field(description="ARN of the listener or of the rule", min_length=1)
    to: str = Field(default="", description="ARN of the one target group that gets everything; or give `weights`")
    weights: dict[str, int] = Field(default={}, description="Target group ARN -> weight, 0 to 999", max_length=5)
    unhealthy: bool = Field(default=False, description="Also when a group has no healthy target")
    region: str = Field(default="", description="Region; none: the site's")

    verify_within_s = 60.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """Where traffic went and goes, as proportions."""
        old, new = outputs.get("old_weights") or {}, outputs.get("weights") or {}
        return (Change(f"elb {outputs.get('arn')}", _shares(old), _shares(new)),)

    @model_validator(mode="after")
    def _one_way(self) -> ElbSwitch:
        if bool(self.to) == bool(self.weights):
            raise ValueError("give either `to` or `weights`")
        return self

    @property
    def _wanted(self) -> dict[str, int]:
        return {self.to: 1} if self.to else self.weights

    async def plan(self, world: World) -> Plan:
        """Says from which groups to which; refuses when nobody healthy is there."""
        now = await self._now(world)
        if _same(now.weights, self._wanted):
            effect = f"Leave {short(self.forwards)} as it is: it forwards to {_words(now.weights)} already"
            return Plan(targets=(f"elb:{self.forwards}",), effect=effect)
        return Plan(
            targets=(f"elb:{self.forwards}",),
            effect=f"Forward {short(self.forwards)}: {_words(now.weights)} -> {_words(self._wanted)}",
            warnings=("Open connections and sticky sessions stay with the old targets for a while.",),
            undo=f"Forward to {_words(now.weights)} again.",
        )

    async def run(self, act: Act) -> Forwarded:
        """One change, after one more look."""
        now = await self._now(act)
        if not _same(now.weights, self._wanted):
            await act.use(Aws).at(self.region).elb_forward(now, self._wanted)
        return Forwarded(arn=self.forwards, weights=self._wanted, old_weights=dict(now.weights))

    async def verify(self, world: World, done: Forwarded) -> Seen:
        """It forwards as written."""
        now = await self._look(world)
        return Seen(ok=True if _same(now.weights, done.weights) else None, text=f"forwards to {_words(now.weights)}")

    async def reconcile(self, world: World) -> Found:
        """What it forwards to tells whether it was changed, not what stood there before."""
        now = await self._look(world)
        said = f"{short(self.forwards)} forwards to {_words(now.weights)}."
        if not _same(now.weights, self._wanted):
            return Found(happened=False, evidence=said)
        return Found(happened=True, evidence=f"{said} What stood there before is on the approval.",
                     outputs=Forwarded(arn=self.forwards, weights=self._wanted, old_weights={}))  # fmt: skip

    async def undo(self, act: Act, done: Forwarded) -> Forwarded:
        """The old weights again."""
        now = self._still(await self._look(act), done)
        await act.use(Aws).at(self.region).elb_forward(now, done.old_weights)
        return Forwarded(arn=done.arn, weights=done.old_weights, old_weights=done.weights)

    async def plan_undo(self, world: World, done: Forwarded) -> Plan:
        """Says where it goes back to; refuses when that is not known or somebody changed it since."""
        self._still(await self._look(world), done)
        back = f"{_words(done.weights)} -> {_words(done.old_weights)}"
        return Plan(targets=(f"elb:{done.arn}",), effect=f"Forward {short(done.arn)} back: {back}")

    async def verify_undo(self, world: World, done: Forwarded) -> Seen:
        """It forwards as before."""
        now = await self._look(world)
        return Seen(
            ok=True if _same(now.weights, done.old_weights) else None, text=f"forwards to {_words(now.weights)}"
        )

    async def reconcile_undo(self, world: World, done: Forwarded) -> Found:
        """What it forwards to tells."""
        now = await self._look(world)
        return Found(_same(now.weights, done.old_weights), f"{short(done.arn)} forwards to {_words(now.weights)}.")

    def say(self, done: Forwarded) -> str:
        """old -> new."""
        return f"{short(done.arn)}: {_words(done.old_weights) or 'as before'} -> {_words(done.weights)}"

    async def _look(self, world: World) -> Forwarding:
        return await world.use(AwsReads).at(self.region).elb_forwarding(self.forwards)

    async def _now(self, world: World) -> Forwarding:
        """Where it forwards now. Raises Refused when it shall not be changed."""
        if wrong := [weight for weight in self._wanted.values() if not 0 <= weight <= 999]:
            raise Refused(f"A weight is 0 to 999, not {wrong[0]}. Nothing was changed.")
        now = await self._look(world)
        if _same(now.weights, self._wanted) and not self.to:
            raise Refused(
                f"{short(self.forwards)} forwards to {_words(now.weights)} already.", todo="Nothing is to be done."
            )
        for group, weight in self._wanted.items():
            seen = await world.use(AwsReads).at(self.region).elb_health(group) if weight else None
            if seen is not None and seen.healthy == 0 and not self.unhealthy:
                why = f": {seen.reasons[0]}" if seen.reasons else ", it has no targets" if not seen.targets else ""
                raise Refused(
                    f"{short(group)} has no healthy target{why}. Traffic was left where it is.",
                    todo="Start its targets first, or say `unhealthy: true` in the playbook.",
                )
        return now

    def _still(self, now: Forwarding, done: Forwarded) -> Forwarding:
        if not done.old_weights:
            raise Refused("What it forwarded to before is not known: its outcome was lost. Nothing was changed.",
                          todo="The approval card says what it was; ask for that with aws.elb_switch.")  # fmt: skip
        if not _same(now.weights, done.weights):
            raise Refused(
                f"{short(done.arn)} forwards to {_words(now.weights)} by now: somebody changed it since. It was left "
                "alone.",
                todo="Change it by a step of its own.",
            )
        return now


def _same(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Whether traffic goes the same way: a group of weight 0 gets none."""
    return {arn: w for arn, w in one.items() if w} == {arn: w for arn, w in other.items() if w}


def _words(weights: Mapping[str, int]) -> str:
    taking = {arn: weight for arn, weight in weights.items() if weight}
    if len(taking) == 1:
        return short(next(iter(taking)))
    return ", ".join(f"{short(arn)} {weight}" for arn, weight in taking.items())


def _shares(weights: Mapping[str, int]) -> str:
    """Weights that send traffic alike, alike: {a: 100} is {a: 1}. Unknown where they are not known."""
    some = {name: weight for name, weight in weights.items() if weight}
    least = gcd(*some.values())
    return said({name: weight // least for name, weight in some.items()}) if some else UNKNOWN
