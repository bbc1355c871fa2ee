"""Corrections of moto's RDS, each by name. Only here, never in the product.

1. ``SecondaryAvailabilityZone``: moto never shows the standby's zone of a Multi-AZ instance.
2. ``RebootDBInstance``: moto's does nothing. It must be refused unless ``available`` (InvalidDBInstanceState), refused
   with ForceFailover on a single-AZ instance (InvalidParameterCombination), show ``rebooting`` for a while, and with
   ForceFailover swap the two zones (contract E2).
3. ``RestoreDBInstanceToPointInTime``: moto copies the source whole. The new instance must be single-AZ unless MultiAZ
   is passed, must be no replica, and shows ``creating`` for a while (contract E2). Its endpoint is where the sandbox's
   databases listen: moto's name resolves nowhere, and services are to be pointed at it.
4. ``PromoteReadReplica``: moto keeps naming the source. It must be gone when the promotion is done (contract E2).
5. ``CreateDBSnapshot``: moto's is available at once. It shows ``creating`` for a while, and is refused unless the
   instance is ``available``.
6. ``FailoverDBCluster``: moto's writer has moved at once. The cluster shows ``failing-over`` for a while, and the
   writer moves after that; refused unless the cluster is ``available``.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bot.sandbox.settings import Settings


def _reachable(kind: type) -> type:
    """moto derives the address from the name and lets nobody set it."""
    return type(kind.__name__, (kind,), {"address": "127.0.0.1"})


class Corrections:
    """Applied around each request, on moto's own instance objects of every region that has some."""

    def __init__(self, backend: Any, settings: Settings) -> None:
        self.backends, self.settings = [backend], settings
        self._writers: dict[str, Any] = {}  # Aurora cluster -> its writer before the failover that is asked for

    def instances(self) -> list[Any]:
        """moto's instance objects."""
        return [one for backend in self.backends for one in list(backend.databases.values())]

    def instance(self, name: str) -> Any:
        """One instance object or None."""
        return next((i for i in self.instances() if i.db_instance_identifier == name.lower()), None)

    def complete(self) -> None:
        """Correction 1: a standby's zone for every Multi-AZ instance, none for the others."""
        for instance in self.instances():
            has = getattr(instance, "secondary_availability_zone", None)
            if instance.multi_az and has is None:
                zone = str(instance.availability_zone)
                instance.secondary_availability_zone = zone[:-1] + ("b" if not zone.endswith("b") else "a")
            elif not instance.multi_az and has is not None:
                del instance.secondary_availability_zone

    def before(self, action: str, parameters: dict[str, str]) -> tuple[str, str] | None:
        """Corrections 2, 5 and 6, the refusals: (code, message) or None."""
        if action == "FailoverDBCluster":
            return self._refused_cluster(parameters)
        if action == "CreateDBSnapshot":
            asked = self.instance(parameters.get("DBInstanceIdentifier", ""))
            busy = asked is not None and asked.status != "available"
            return ("InvalidDBInstanceState", f"{asked.db_instance_identifier} is not available.") if busy else None
        if action != "RebootDBInstance":
            return None
        instance = self.instance(parameters.get("DBInstanceIdentifier", ""))
        if instance is None:
            return None  # moto answers DBInstanceNotFound itself
        if instance.status != "available":
            return ("InvalidDBInstanceState", f"Instance {instance.db_instance_identifier} is not in available state.")
        forced = parameters.get("ForceFailover", "").lower() == "true"
        if forced and not instance.multi_az:
            return ("InvalidParameterCombination", "Cannot force failover on a DB instance that is not Multi-AZ.")
        instance.status = "rebooting"
        return None

    def after(self, action: str, parameters: dict[str, str], worked: bool) -> None:
        """Correction 2, the course of time; corrections 3 to 6."""
        if worked and action == "RestoreDBInstanceToPointInTime":
            self._restored(parameters)
        if worked and action == "PromoteReadReplica":
            self._promoted(self.instance(parameters["DBInstanceIdentifier"]))
        if worked and action == "CreateDBSnapshot":
            self._taken(parameters["DBSnapshotIdentifier"])
        if worked and action == "FailoverDBCluster":
            self._failed_over(parameters["DBClusterIdentifier"])
        instance = self.instance(parameters.get("DBInstanceIdentifier", "")) if action == "RebootDBInstance" else None
        if instance is None:
            return
        if not worked:
            instance.status = "available"
            return
        forced = parameters.get("ForceFailover", "").lower() == "true"
        asyncio.get_running_loop().call_later(self.settings.reboot_seconds, self._rebooted, instance, forced)

    def _restored(self, parameters: dict[str, str]) -> None:
        instance = self.instance(parameters["TargetDBInstanceIdentifier"])
        instance.multi_az = parameters.get("MultiAZ", "").lower() == "true"
        instance.source_db_instance_identifier, instance.is_replica = None, False
        instance.status = "creating"
        instance.__class__ = _reachable(type(instance))
        asyncio.get_running_loop().call_later(self.settings.reboot_seconds, setattr, instance, "status", "available")

    def _taken(self, name: str) -> None:
        for backend in self.backends:
            if (made := backend.database_snapshots.get(name)) is not None:
                made.status = "creating"
                asyncio.get_running_loop().call_later(
                    self.settings.reboot_seconds, setattr, made, "status", "available"
                )

    def _cluster(self, name: str) -> Any:
        return next((one for backend in self.backends for id, one in backend.clusters.items() if id == name), None)

    def _refused_cluster(self, parameters: dict[str, str]) -> tuple[str, str] | None:
        cluster = self._cluster(parameters.get("DBClusterIdentifier", ""))
        if cluster is None:
            return None  # moto answers DBClusterNotFoundFault itself
        self._writers[cluster.db_cluster_identifier] = cluster.writer
        busy = cluster.status != "available"
        return ("InvalidDBClusterStateFault", f"Cluster is {cluster.status}.") if busy else None

    def _failed_over(self, name: str) -> None:
        """moto has moved the writer: put it back until the time is over."""
        cluster, old = self._cluster(name), self._writers[name]
        new = cluster.writer
        self._write_by(cluster, old, "failing-over")
        asyncio.get_running_loop().call_later(self.settings.reboot_seconds, self._write_by, cluster, new, "available")

    @staticmethod
    def _write_by(cluster: Any, writer: Any, status: str) -> None:
        for member in cluster.members:
            member.is_cluster_writer = member is writer
        cluster.status = status

    def _promoted(self, instance: Any) -> None:
        named = str(instance.source_db_instance_identifier or "")
        source = self.instance(named.rpartition(":")[2])
        if source is not None:
            mine = (instance.db_instance_identifier, instance.db_instance_arn)
            source.replicas = [one for one in source.replicas if one not in mine]
        instance.source_db_instance_identifier = None

    def _rebooted(self, instance: Any, forced: bool) -> None:
        if forced and instance.multi_az:
            old = instance.availability_zone
            instance.availability_zone = instance.secondary_availability_zone
            instance.secondary_availability_zone = old
        instance.status = "available"

    def writer_zone(self, name: str) -> str | None:
        """Where the instance writes now; None while it reboots or when it does not exist."""
        instance = self.instance(name)
        return str(instance.availability_zone) if instance is not None and instance.status == "available" else None

    def show(self) -> list[dict[str, Any]]:
        """The instances in short, for reading back: id, status, zone, secondary_zone, multi_az, read_replica_of."""
        self.complete()
        return [
            {
                "id": i.db_instance_identifier, "status": i.status, "zone": i.availability_zone,
                "secondary_zone": getattr(i, "secondary_availability_zone", None), "multi_az": bool(i.multi_az),
                "read_replica_of": i.source_db_instance_identifier,
            }
            for i in self.instances()
        ]  # fmt: skip

    def change(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Set status, zone, secondary_zone or multi_az of an instance as if it had happened. ValueError."""
        instance = self.instance(name)
        if instance is None:
            raise ValueError(f"no instance {name}")
        names = {"status": "status", "zone": "availability_zone", "secondary_zone": "secondary_availability_zone",
                 "multi_az": "multi_az"}  # fmt: skip
        for key, value in changes.items():
            if key not in names:
                raise ValueError(f"{key} cannot be changed; {', '.join(names)} can")
            setattr(instance, names[key], value)
        return next(row for row in self.show() if row["id"] == instance.db_instance_identifier)
