"""EC2: instances, their interfaces and groups, snapshots of their volumes (contract E2). Part of `aws.py`.

Groups belong to interfaces, and setting them replaces all, so each interface is changed alone; what stood there before
is kept as a tag on the interface itself, so that it is known even when our answer is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws_client import AwsClient

GROUPS_TAG = "muster-groups"  # on an interface in quarantine: the groups it had, with spaces between
KEY_TAG = "muster-key"  # on a snapshot: the attempt that made it


@dataclass(frozen=True)
class Interface:
    """A network interface. groups: ids, sorted; kept: those of our tag, None without one."""

    id: str
    groups: tuple[str, ...]
    vpc: str
    kept: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Ec2Instance:
    """An instance. state: running, stopped, terminated…; scaling_group: that it belongs to, "" for none.

    addresses: private ones; tags: Muster's own.
    """

    id: str
    state: str
    interfaces: tuple[Interface, ...]
    volumes: tuple[str, ...]
    scaling_group: str = ""
    addresses: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SecurityGroup:
    """A security group. rules: what it lets in or out, in words."""

    id: str
    name: str
    vpc: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a volume. state: pending, completed, error; progress: "42%"."""

    id: str
    volume: str
    state: str
    progress: str
    started_at: datetime | None


class Ec2Reads(AwsClient):
    """What can be asked of EC2."""

    async def ec2_instances(self, ids: Sequence[str]) -> list[Ec2Instance]:
        """These instances, in this order. Refused InvalidInstanceID.NotFound when one is unknown."""
        found = await self._all("ec2", "describe_instances", "Reservations", InstanceIds=list(ids))
        raw = {str(one["InstanceId"]): one for each in found for one in each.get("Instances") or ()}
        if missing := [id for id in ids if id not in raw]:
            code = "InvalidInstanceID.NotFound"
            raise ServiceRefused("AWS", code, f"AWS knows no instance {', '.join(missing)} in this region ({code}).")
        parts = [str(one["NetworkInterfaceId"]) for id in ids for one in raw[id].get("NetworkInterfaces") or ()]
        kept = await self._kept(parts)
        return [_instance(raw[id], kept) for id in ids]

    async def _kept(self, interfaces: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Interface -> groups its tag remembers."""
        if not interfaces:
            return {}
        given = {"NetworkInterfaceIds": list(interfaces)}
        found = await self._call("ec2", "describe_network_interfaces", write=False, **given)
        tags = {str(one["NetworkInterfaceId"]): _tags(one, "TagSet") for one in found.get("NetworkInterfaces") or ()}
        return {id: tuple(tags[id][GROUPS_TAG].split()) for id in tags if GROUPS_TAG in tags[id]}

    async def ec2_group(self, id: str) -> SecurityGroup:
        """A security group by its id. Refused InvalidGroup.NotFound."""
        told = await self._call("ec2", "describe_security_groups", write=False, GroupIds=[id])
        raw = told["SecurityGroups"][0]
        rules = [f"{way} {_rule(one)}" for way, key in (("in from", "IpPermissions"), ("out to", "IpPermissionsEgress"))
                 for one in raw.get(key) or ()]  # fmt: skip
        return SecurityGroup(str(raw["GroupId"]), str(raw.get("GroupName") or ""), str(raw.get("VpcId") or ""),
                             tuple(rules))  # fmt: skip

    async def ec2_snapshots(self, key: str) -> list[Snapshot]:
        """The snapshots that bear an attempt's key. Eventually consistent: a new one may be missing for seconds."""
        wanted = [{"Name": f"tag:{KEY_TAG}", "Values": [key]}]
        found = await self._all("ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=wanted)
        return [_snapshot(one) for one in found]


class Ec2Acts(Ec2Reads):
    """What can be done in EC2."""

    async def ec2_set_groups(self, interface: str, groups: Sequence[str]) -> None:
        """Replace all groups of an interface. Connections that are open may be let go on."""
        given = {"NetworkInterfaceId": interface, "Groups": list(groups)}
        await self._call("ec2", "modify_network_interface_attribute", write=True, **given)

    async def ec2_keep_groups(self, interface: str, groups: Sequence[str]) -> None:
        """Remember the groups an interface has, as a tag on it."""
        tag = {"Key": GROUPS_TAG, "Value": " ".join(groups)}
        await self._call("ec2", "create_tags", write=True, Resources=[interface], Tags=[tag])

    async def ec2_forget_groups(self, interface: str) -> None:
        """Take that tag away."""
        tag = {"Key": GROUPS_TAG}
        await self._call("ec2", "delete_tags", write=True, Resources=[interface], Tags=[tag])

    async def ec2_tag(self, instance: str, tags: Mapping[str, str]) -> None:
        """Put tags on an instance."""
        given = [{"Key": name, "Value": value} for name, value in tags.items()]
        await self._call("ec2", "create_tags", write=True, Resources=[instance], Tags=given)

    async def ec2_untag(self, instance: str, names: Sequence[str]) -> None:
        """Take tags off an instance, whatever they say."""
        await self._call("ec2", "delete_tags", write=True, Resources=[instance], Tags=[{"Key": one} for one in names])

    async def ec2_snapshot(self, instance: str, key: str, tags: Mapping[str, str], description: str) -> list[Snapshot]:
        """One snapshot of each volume, all of one moment, tagged with our key."""
        given = [{"Key": name, "Value": value[:256]} for name, value in {**tags, KEY_TAG: key}.items()]
        told = await self._call(
            "ec2", "create_snapshots", write=True, InstanceSpecification={"InstanceId": instance},
            Description=description[:255], TagSpecifications=[{"ResourceType": "snapshot", "Tags": given}],
        )  # fmt: skip
        return [_snapshot(one) for one in told.get("Snapshots") or ()]


def _instance(raw: Mapping[str, Any], kept: Mapping[str, tuple[str, ...]]) -> Ec2Instance:
    interfaces = [
        Interface(
            str(one["NetworkInterfaceId"]), tuple(sorted(str(group["GroupId"]) for group in one.get("Groups") or ())),
            str(one.get("VpcId") or ""), kept.get(str(one["NetworkInterfaceId"])),
        )
        for one in raw.get("NetworkInterfaces") or ()
    ]  # fmt: skip
    addresses = [str(each["PrivateIpAddress"]) for one in raw.get("NetworkInterfaces") or ()
                 for each in one.get("PrivateIpAddresses") or (one,) if each.get("PrivateIpAddress")]  # fmt: skip
    tags = _tags(raw, "Tags")
    volumes = [str(one["Ebs"]["VolumeId"]) for one in raw.get("BlockDeviceMappings") or () if "Ebs" in one]
    return Ec2Instance(
        str(raw["InstanceId"]), str((raw.get("State") or {}).get("Name") or ""), tuple(interfaces), tuple(volumes),
        tags.get("aws:autoscaling:groupName", ""), tuple(addresses),
        {name: value for name, value in tags.items() if name.startswith("muster-")},
    )  # fmt: skip


def _tags(raw: Mapping[str, Any], key: str) -> dict[str, str]:
    return {str(one["Key"]): str(one["Value"]) for one in raw.get(key) or ()}


def _rule(raw: Mapping[str, Any]) -> str:
    """ "0.0.0.0/0", "sg-1, sg-2"; without any, "nobody"."""
    who = [str(one.get("CidrIp")) for one in raw.get("IpRanges") or ()]
    who += [str(one.get("CidrIpv6")) for one in raw.get("Ipv6Ranges") or ()]
    who += [str(one.get("GroupId")) for one in raw.get("UserIdGroupPairs") or ()]
    who += [str(one.get("PrefixListId")) for one in raw.get("PrefixListIds") or ()]
    return ", ".join(who) or "nobody"


def _snapshot(raw: Mapping[str, Any]) -> Snapshot:
    return Snapshot(str(raw["SnapshotId"]), str(raw.get("VolumeId") or ""), str(raw.get("State") or "pending"),
                    str(raw.get("Progress") or ""), raw.get("StartTime"))  # fmt: skip
