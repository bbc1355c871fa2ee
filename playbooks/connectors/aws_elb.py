"""Load balancers (ELBv2): health of targets, and where a listener or rule forwards (contract E2). Part of `aws.py`.

Changing a rule replaces its whole list of actions, so every action that stood there is sent back with the new weights.
Changing a target group's health check moves no traffic at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playbooks.connectors.aws_client import AwsClient
from playbooks.errors import Refused


@dataclass(frozen=True)
class Health:
    """Targets of a group by state: {"healthy": 3, "initial": 1}; reasons: of those that are not healthy."""

    states: Mapping[str, int]
    reasons: tuple[str, ...] = ()

    @property
    def healthy(self) -> int:
        """How many take traffic."""
        return self.states.get("healthy", 0)

    @property
    def targets(self) -> int:
        """How many are registered."""
        return sum(self.states.values())


@dataclass(frozen=True)
class Membership:
    """A target registered in a group. group: its ARN; target: instance id or address."""

    group: str
    target: str
    port: int


@dataclass(frozen=True)
class Forwarding:
    """Where traffic goes. arn: of the listener or rule; weights: target group ARN -> weight; actions: as AWS has it."""

    arn: str
    weights: Mapping[str, int]
    actions: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def to_forwarding(arn: str, actions: Sequence[Mapping[str, Any]]) -> Forwarding:
    """A listener's or rule's actions -> Forwarding. Refused when none of them forwards."""
    for action in actions:
        if action.get("Type") != "forward":
            continue
        groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
        if not groups and action.get("TargetGroupArn"):
            groups = [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
        weights = {str(one["TargetGroupArn"]): int(one.get("Weight", 1)) for one in groups}
        return Forwarding(arn, weights, tuple(actions))
    raise Refused(
        f"{short(arn)} forwards to no target group; it was not changed.", todo="Name another listener or rule."
    )


def short(arn: str) -> str:
    """An ARN as people call it: its last name ("targetgroup/checkout")."""
    return "/".join(arn.rpartition(":")[2].split("/")[:2])


class ElbReads(AwsClient):
    """What can be asked of ELBv2."""

    async def elb_health(self, target_group: str) -> Health:
        """Targets of a group by state. Refused TargetGroupNotFound."""
        answer = await self._call("elbv2", "describe_target_health", write=False, TargetGroupArn=target_group)
        states: dict[str, int] = {}
        reasons: list[str] = []
        for one in answer.get("TargetHealthDescriptions") or ():
            told = one.get("TargetHealth") or {}
            state = str(told.get("State") or "unknown")
            states[state] = states.get(state, 0) + 1
            if state != "healthy":
                why = told.get("Description") or told.get("Reason") or state
                reasons.append(f"{(one.get('Target') or {}).get('Id')}: {why}")
        return Health(states, tuple(reasons[:10]))

    async def elb_memberships(self, targets: Collection[str], networks: Collection[str]) -> list[Membership]:
        """Where instances or addresses are registered in the target groups of these VPCs; not what leaves already."""
        groups = await self._all("elbv2", "describe_target_groups", "TargetGroups")
        mine = [str(one["TargetGroupArn"]) for one in groups
                if one.get("TargetType") in ("instance", "ip") and one.get("VpcId") in networks]  # fmt: skip
        told = await asyncio.gather(*(self._registered(arn) for arn in mine))
        return [one for found in told for one in found if one.target in targets]

    async def _registered(self, arn: str) -> list[Membership]:
        answer = await self._call("elbv2", "describe_target_health", write=False, TargetGroupArn=arn)
        return [
            Membership(arn, str(one["Target"]["Id"]), int(one["Target"].get("Port") or 0))
            for one in answer.get("TargetHealthDescriptions") or ()
            if (one.get("TargetHealth") or {}).get("State") != "draining"
        ]

    async def elb_forwarding(self, arn: str) -> Forwarding:
        """Where a rule forwards, or a listener by default. Refused when there is none or it does not forward."""
        if is_rule(arn):
            answer = await self._call("elbv2", "describe_rules", write=False, RuleArns=[arn])
            return to_forwarding(arn, answer["Rules"][0]["Actions"])
        answer = await self._call("elbv2", "describe_listeners", write=False, ListenerArns=[arn])
        return to_forwarding(arn, answer["Listeners"][0]["DefaultActions"])


class ElbActs(AwsClient):
    """What can be done in ELBv2."""

    async def elb_register(self, one: Membership) -> None:
        """Register a target; one that is registered stays so."""
        await self._call("elbv2", "register_targets", write=True, TargetGroupArn=one.group, Targets=[_target(one)])

    async def elb_deregister(self, one: Membership) -> None:
        """Take a target out: no new requests; open ones may go on for the group's delay."""
        await self._call("elbv2", "deregister_targets", write=True, TargetGroupArn=one.group, Targets=[_target(one)])

    async def elb_forward(self, now: Forwarding, weights: Mapping[str, int]) -> None:
        """Let a listener or rule forward by these weights; its other actions and its stickiness stay."""
        actions = [_weighed(dict(action), weights) for action in now.actions]
        if is_rule(now.arn):
            await self._call("elbv2", "modify_rule", write=True, RuleArn=now.arn, Actions=actions)
        else:
            await self._call("elbv2", "modify_listener", write=True, ListenerArn=now.arn, DefaultActions=actions)


def _target(one: Membership) -> dict[str, Any]:
    return {"Id": one.target, "Port": one.port} if one.port else {"Id": one.target}


def is_rule(arn: str) -> bool:
    """Whether an ARN is a rule's, not a listener's."""
    return ":listener-rule/" in arn


def _weighed(action: dict[str, Any], weights: Mapping[str, int]) -> dict[str, Any]:
    if action.get("Type") != "forward":
        return action
    config = dict(action.get("ForwardConfig") or {})
    config["TargetGroups"] = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
    action.pop("TargetGroupArn", None)  # both at once are refused when they differ
    return {**action, "ForwardConfig": config}
