"""RDS: instances, clusters, their events, how far replicas are behind, failover (contract E2). Part of `aws.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from playbooks.connectors.answers import ServiceRefused
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
    cluster: str = ""
    size: str = ""
    storage_encrypted: bool = False


@dataclass(frozen=True)
class DbSnapshot:
    """A snapshot of an instance. status: creating, available, failed; tags: as given."""

    id: str
    instance: str
    status: str
    made_at: datetime | None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DbCluster:
    """An Aurora cluster. writer: the member that writes; readers: the others."""

    id: str
    status: str
    writer: str
    readers: tuple[str, ...]


@dataclass(frozen=True)
class DbLag:
    """How far a replica is behind, measured at a time (UTC). seconds: None where replication does not run."""

    at: datetime
    seconds: float | None


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
        cluster=str(raw.get("DBClusterIdentifier") or ""),
        size=str(raw.get("DBInstanceClass") or ""),
        storage_encrypted=bool(raw.get("StorageEncrypted")),
    )


def to_cluster(raw: Mapping[str, Any]) -> DbCluster:
    """One of describe_db_clusters -> DbCluster."""
    members = raw.get("DBClusterMembers") or ()
    names = [str(one["DBInstanceIdentifier"]) for one in members if not one.get("IsClusterWriter")]
    writer = next((str(one["DBInstanceIdentifier"]) for one in members if one.get("IsClusterWriter")), "")
    return DbCluster(str(raw["DBClusterIdentifier"]), str(raw.get("Status") or ""), writer, tuple(sorted(names)))


class RdsReads(AwsClient):
    """What can be asked of RDS."""

    async def rds_instance(self, instance: str) -> DbInstance:
        """One RDS instance. Refused DBInstanceNotFound."""
        answer = await self._call("rds", "describe_db_instances", write=False, DBInstanceIdentifier=instance)
        return to_instance(answer["DBInstances"][0])

    async def rds_events(self, source: str, since: datetime, *, cluster: bool = False) -> list[DbEvent]:
        """What RDS did to an instance (or an Aurora cluster) since a moment (UTC), oldest first."""
        kind = "db-cluster" if cluster else "db-instance"
        answer = await self._call(
            "rds", "describe_events", write=False, SourceIdentifier=source, SourceType=kind, StartTime=since
        )
        events = [DbEvent(raw["Date"], str(raw.get("Message") or "")) for raw in answer.get("Events") or ()]
        return sorted((event for event in events if event.at >= since), key=lambda event: event.at)

    async def rds_lag(self, instance: str, now: datetime, *, aurora: bool = False) -> DbLag | None:
        """The lag of a replica (or Aurora reader) as CloudWatch last had it; None: not in the last ten minutes."""
        told = await self._call(
            "cloudwatch", "get_metric_statistics", write=False, Namespace="AWS/RDS",
            MetricName="AuroraReplicaLag" if aurora else "ReplicaLag",
            Dimensions=[{"Name": "DBInstanceIdentifier", "Value": instance}],
            StartTime=now - timedelta(minutes=10), EndTime=now + timedelta(minutes=1), Period=60,
            Statistics=["Maximum"],
        )  # fmt: skip
        points = sorted(told.get("Datapoints") or (), key=lambda one: one["Timestamp"])
        if not points:
            return None
        value = float(points[-1]["Maximum"]) / (1000 if aurora else 1)  # Aurora's is in milliseconds
        return DbLag(points[-1]["Timestamp"], value if value >= 0 else None)  # -1: it does not replicate

    async def rds_find(self, instance: str) -> DbInstance | None:
        """One RDS instance, None when there is none of that name."""
        try:
            return await self.rds_instance(instance)
        except ServiceRefused as error:
            if error.code in ("DBInstanceNotFound", "DBInstanceNotFoundFault"):
                return None
            raise

    async def rds_tags(self, arn: str) -> dict[str, str]:
        """Tags of an instance or snapshot."""
        answer = await self._call("rds", "list_tags_for_resource", write=False, ResourceName=arn)
        return {str(one["Key"]): str(one.get("Value") or "") for one in answer.get("TagList") or ()}

    async def rds_cluster(self, cluster: str) -> DbCluster:
        """One Aurora cluster. Refused DBClusterNotFoundFault."""
        answer = await self._call("rds", "describe_db_clusters", write=False, DBClusterIdentifier=cluster)
        return to_cluster(answer["DBClusters"][0])

    async def rds_snapshot_of(self, snapshot: str) -> DbSnapshot | None:
        """One snapshot, None when there is none of that name."""
        try:
            answer = await self._call("rds", "describe_db_snapshots", write=False, DBSnapshotIdentifier=snapshot)
        except ServiceRefused as error:
            if error.code in ("DBSnapshotNotFound", "DBSnapshotNotFoundFault"):
                return None
            raise
        raw = answer["DBSnapshots"][0]
        tags = {str(one["Key"]): str(one.get("Value") or "") for one in raw.get("TagList") or ()}
        return DbSnapshot(
            str(raw["DBSnapshotIdentifier"]), str(raw["DBInstanceIdentifier"]), str(raw.get("Status") or ""),
            raw.get("SnapshotCreateTime"), tags,
        )  # fmt: skip


class RdsActs(AwsClient):
    """What can be done in RDS."""

    async def rds_reboot_with_failover(self, instance: str) -> None:
        """Reboot a Multi-AZ instance onto its standby. Accepted is not done: look at zones afterwards (contract E2)."""
        await self._call("rds", "reboot_db_instance", write=True, DBInstanceIdentifier=instance, ForceFailover=True)

    async def rds_promote(self, instance: str, backup_days: int) -> None:
        """Let a read replica stand on its own. Accepted is not done: look until it has no source (contract E2)."""
        await self._call(
            "rds", "promote_read_replica", write=True, DBInstanceIdentifier=instance, BackupRetentionPeriod=backup_days
        )

    async def rds_restore(
        self, source: str, target: str, at: datetime | None, tags: Mapping[str, str], **options: Any
    ) -> None:
        """Restore to a point in time as a new instance. at: UTC, None for the latest. options: as boto3 names them.

        What is not passed is AWS's default, which is not what the source has (contract E2).
        """
        when: dict[str, Any] = {"RestoreTime": at} if at is not None else {"UseLatestRestorableTime": True}
        await self._call(
            "rds", "restore_db_instance_to_point_in_time", write=True, SourceDBInstanceIdentifier=source,
            TargetDBInstanceIdentifier=target, Tags=_tags(tags), **when, **options,
        )  # fmt: skip

    async def rds_delete(self, instance: str) -> None:
        """Delete an instance without a last snapshot: for what a restore made and nobody uses."""
        await self._call(
            "rds", "delete_db_instance", write=True, DBInstanceIdentifier=instance, SkipFinalSnapshot=True,
            DeleteAutomatedBackups=True,
        )  # fmt: skip

    async def rds_make_snapshot(self, instance: str, snapshot: str, tags: Mapping[str, str]) -> None:
        """Begin a snapshot under a name. Refused DBSnapshotAlreadyExists when there is one."""
        await self._call(
            "rds", "create_db_snapshot", write=True, DBInstanceIdentifier=instance, DBSnapshotIdentifier=snapshot,
            Tags=_tags(tags),
        )  # fmt: skip

    async def rds_failover_cluster(self, cluster: str, to: str) -> None:
        """Let another member of an Aurora cluster write."""
        await self._call(
            "rds", "failover_db_cluster", write=True, DBClusterIdentifier=cluster, TargetDBInstanceIdentifier=to
        )


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
