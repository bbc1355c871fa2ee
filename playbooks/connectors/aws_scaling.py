"""Auto scaling groups: their size, and which of their processes are suspended. Part of `aws.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws_client import AwsClient


@dataclass(frozen=True)
class ScalingGroup:
    """A group. instances: id -> lifecycle state ("InService"); healthy: how many are in service and healthy."""

    name: str
    least: int
    most: int
    desired: int
    instances: Mapping[str, str]
    healthy: int
    suspended: tuple[str, ...]


class ScalingReads(AwsClient):
    """What can be asked of auto scaling."""

    async def scaling_group(self, name: str) -> ScalingGroup:
        """A group by its name. Refused when this region has none of that name (AWS answers an empty list)."""
        told = await self._call(
            "autoscaling", "describe_auto_scaling_groups", write=False, AutoScalingGroupNames=[name]
        )
        found = told.get("AutoScalingGroups") or ()
        if not found:
            raise ServiceRefused("AWS", "NoSuchGroup", f"AWS knows no auto scaling group {name} in this region.")
        return _group(found[0])

    async def scaling_of(self, instances: Sequence[str]) -> dict[str, str]:
        """Instance -> the group it belongs to, and does not just leave; those in none are left out."""
        told = await self._call(
            "autoscaling", "describe_auto_scaling_instances", write=False, InstanceIds=list(instances)
        )
        found = [one for one in told.get("AutoScalingInstances") or () if one["InstanceId"] in instances]
        return {
            str(one["InstanceId"]): str(one["AutoScalingGroupName"])
            for one in found
            if one.get("LifecycleState") not in ("Detaching", "Detached")
        }


class ScalingActs(ScalingReads):
    """What can be done in auto scaling."""

    async def scaling_set(self, name: str, *, least: int, most: int, desired: int) -> None:
        """Set all three sizes at once: a stated value, the same however often."""
        sizes = {"MinSize": least, "MaxSize": most, "DesiredCapacity": desired}
        await self._call("autoscaling", "update_auto_scaling_group", write=True, AutoScalingGroupName=name, **sizes)

    async def scaling_detach(self, name: str, instances: Sequence[str], *, shrink: bool) -> None:
        """Take instances out, running; out of the group's target groups too. shrink: it wants that many less."""
        given = {"AutoScalingGroupName": name, "InstanceIds": list(instances), "ShouldDecrementDesiredCapacity": shrink}
        await self._call("autoscaling", "detach_instances", write=True, **given)

    async def scaling_attach(self, name: str, instances: Sequence[str]) -> None:
        """Put instances in; the group wants that many more. Refused where it would be larger than it may."""
        given = {"AutoScalingGroupName": name, "InstanceIds": list(instances)}
        await self._call("autoscaling", "attach_instances", write=True, **given)

    async def scaling_suspend(self, name: str, processes: Sequence[str]) -> None:
        """Suspend these processes; those that are suspended stay so."""
        given = {"AutoScalingGroupName": name, "ScalingProcesses": list(processes)}
        await self._call("autoscaling", "suspend_processes", write=True, **given)

    async def scaling_resume(self, name: str, processes: Sequence[str]) -> None:
        """Resume these processes, no others."""
        given = {"AutoScalingGroupName": name, "ScalingProcesses": list(processes)}
        await self._call("autoscaling", "resume_processes", write=True, **given)


def _group(raw: Mapping[str, Any]) -> ScalingGroup:
    members = raw.get("Instances") or ()
    well = [one for one in members if one.get("LifecycleState") == "InService" and one.get("HealthStatus") == "Healthy"]
    return ScalingGroup(
        str(raw["AutoScalingGroupName"]), int(raw["MinSize"]), int(raw["MaxSize"]), int(raw["DesiredCapacity"]),
        {str(one["InstanceId"]): str(one.get("LifecycleState") or "") for one in members}, len(well),
        tuple(sorted(str(one["ProcessName"]) for one in raw.get("SuspendedProcesses") or ())),
    )  # fmt: skip
