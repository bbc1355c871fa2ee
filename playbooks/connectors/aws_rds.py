"""RDS: instances, their events, failover (contract E2). Part of `aws.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playbooks.connectors.aws_client import AwsClient


@dataclass(frozen=True)
class DbInstance:
    """An RDS instance. writer_zone, standby_zone: Availability Zones, "" when AWS names none."""

    id: str
    status: str
    engine: str
    engine_version: str
    multi_az: bool
    writer_zone: str
    standby_zone: str
    endpoint: str
    port: int
    latest_restorable_time: datetime | None
    replica_of: str
    arn: str


@dataclass(frozen=True)
class DbEvent:
    """One RDS event: when (UTC) and RDS's own sentence."""

    at: datetime
    text: str


def to_instance(raw: Mapping[str, Any]) -> DbInstance:
    """One of describe_db_instances `DBInstances` -> DbInstance (contract E2)."""
    endpoint = raw.get("Endpoint") or {}
    return DbInstance(
        id=str(raw["DBInstanceIdentifier"]),
        status=str(raw.get("DBInstanceStatus") or ""),
        engine=str(raw.get("Engine") or ""),
        engine_version=str(raw.get("EngineVersion") or ""),
        multi_az=bool(raw.get("MultiAZ")),
        writer_zone=str(raw.get("AvailabilityZone") or ""),
        standby_zone=str(raw.get("SecondaryAvailabilityZone") or ""),
        endpoint=str(endpoint.get("Address") or ""),
        port=int(endpoint.get("Port") or 0),
        latest_restorable_time=raw.get("LatestRestorableTime"),
        replica_of=str(raw.get("ReadReplicaSourceDBInstanceIdentifier") or ""),
        arn=str(raw.get("DBInstanceArn") or ""),
    )


class RdsReads(AwsClient):
    """What can be asked of RDS."""

    async def rds_instance(self, instance: str) -> DbInstance:
        """One RDS instance. Refused DBInstanceNotFound."""
        answer = await self._call("rds", "describe_db_instances", write=False, DBInstanceIdentifier=instance)
        return to_instance(answer["DBInstances"][0])

    async def rds_events(self, instance: str, since: datetime) -> list[DbEvent]:
        """What RDS did to an instance since a moment (UTC), oldest first."""
        answer = await self._call(
            "rds", "describe_events", write=False, SourceIdentifier=instance, SourceType="db-instance", StartTime=since
        )
        events = [DbEvent(raw["Date"], str(raw.get("Message") or "")) for raw in answer.get("Events") or ()]
        return sorted((event for event in events if event.at >= since), key=lambda event: event.at)


class RdsActs(AwsClient):
    """What can be done in RDS."""

    async def rds_reboot_with_failover(self, instance: str) -> None:
        """Reboot a Multi-AZ instance onto its standby. Accepted is not done: look at zones afterwards (contract E2)."""
        await self._call("rds", "reboot_db_instance", write=True, DBInstanceIdentifier=instance, ForceFailover=True)
