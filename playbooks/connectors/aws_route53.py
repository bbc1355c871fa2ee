"""Route 53: records and changes (contract E2, "DNS"). Part of `aws.py`; a global service, whatever the region.

An UPSERT replaces a record set whole, so the one that stood there is read first and kept for the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playbooks.connectors.aws_client import AwsClient

TTL_S = 60


@dataclass(frozen=True)
class Alias:
    """What an alias of AWS points to. zone: that of the target (a balancer's own, not ours); follows: its health."""

    name: str
    zone: str
    follows: bool


@dataclass(frozen=True)
class Record:
    """A record set. name: without the last dot; values: sorted; weight, set_identifier: of a weighted one.

    alias: of AWS; then it has no values and no ttl of its own. health_check: id of the check that takes it out of the
    answers while it fails, "" for none.
    """

    zone: str
    name: str
    type: str
    ttl: int
    values: tuple[str, ...]
    set_identifier: str = ""
    weight: int | None = None
    alias: Alias | None = None
    health_check: str = ""

    @property
    def says(self) -> tuple[str, ...]:
        """Its values, or "alias NAME"."""
        return (f"alias {self.alias.name}",) if self.alias else self.values


def to_record(zone: str, raw: Mapping[str, Any]) -> Record:
    """One of list_resource_record_sets -> Record."""
    values = sorted(str(one["Value"]).rstrip(".") for one in raw.get("ResourceRecords") or ())
    return Record(
        zone=zone,
        name=plain(str(raw["Name"])),
        type=str(raw["Type"]),
        ttl=int(raw.get("TTL") or 0),
        values=tuple(values),
        set_identifier=str(raw.get("SetIdentifier") or ""),
        weight=raw.get("Weight"),
        alias=_alias(raw.get("AliasTarget") or {}),
        health_check=str(raw.get("HealthCheckId") or ""),
    )


def _alias(raw: Mapping[str, Any]) -> Alias | None:
    if not raw.get("DNSName"):
        return None
    return Alias(plain(str(raw["DNSName"])), str(raw.get("HostedZoneId") or ""), bool(raw.get("EvaluateTargetHealth")))


def plain(name: str) -> str:
    """A name as people write it: lower case, no last dot, `\\052` as `*`."""
    return name.lower().rstrip(".").replace("\\052", "*")


def _set(record: Record) -> dict[str, Any]:
    """As Route 53 takes it."""
    raw: dict[str, Any] = {"Name": record.name, "Type": record.type}
    if record.alias:
        raw["AliasTarget"] = {"DNSName": record.alias.name, "HostedZoneId": record.alias.zone,
                              "EvaluateTargetHealth": record.alias.follows}  # fmt: skip
    else:
        raw |= {"TTL": record.ttl or TTL_S, "ResourceRecords": [{"Value": value} for value in record.values]}
    if record.set_identifier:
        raw |= {"SetIdentifier": record.set_identifier, "Weight": record.weight or 0}
    if record.health_check:
        raw["HealthCheckId"] = record.health_check
    return raw


class Route53Reads(AwsClient):
    """What can be asked of Route 53."""

    async def route53_records(self, zone: str, name: str, type: str) -> list[Record]:
        """The record sets of a name and type: none, one, or one for each weight. Refused NoSuchHostedZone."""
        answer = await self._call(
            "route53", "list_resource_record_sets", write=False, HostedZoneId=zone, StartRecordName=name,
            StartRecordType=type, MaxItems="100",
        )  # fmt: skip
        found = [to_record(zone, raw) for raw in answer.get("ResourceRecordSets") or ()]
        return [one for one in found if one.name == plain(name) and one.type == type]

    async def route53_in_sync(self, change: str) -> bool:
        """Whether every server of Route 53 knows a change. Resolvers may remember the old answer for its TTL."""
        answer = await self._call("route53", "get_change", write=False, Id=change)
        return str(answer["ChangeInfo"]["Status"]) == "INSYNC"


class Route53Acts(AwsClient):
    """What can be done in Route 53."""

    async def route53_upsert(self, *records: Record, comment: str = "") -> str:
        """Put record sets in one change, each replacing what stands there whole. Returns the change's id."""
        changes = [{"Action": "UPSERT", "ResourceRecordSet": _set(one)} for one in records]
        answer = await self._call(
            "route53", "change_resource_record_sets", write=True, HostedZoneId=records[0].zone,
            ChangeBatch={"Comment": comment[:256], "Changes": changes},
        )  # fmt: skip
        return str(answer["ChangeInfo"]["Id"]).rpartition("/")[2]
