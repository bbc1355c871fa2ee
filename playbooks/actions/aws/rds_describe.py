"""`aws.rds_describe`: what an RDS instance, or the writer of an Aurora cluster, looks like now."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.connectors.aws import AwsReads, DbInstance
from playbooks.connectors.aws_rds import DbLag
from playbooks.errors import Refused, Temporary


class RdsInstance(Outputs):
    """An RDS instance as AWS describes it."""

    instance: str = Field(description="Identifier; of a cluster, that of its writer")
    status: str = Field(description='"available", "rebooting", ...; of a cluster, the cluster\'s')
    multi_az: bool = Field(description="Whether a synchronous standby exists")
    writer_zone: str = Field(description="Availability Zone of the writer")
    standby_zone: str = Field(description="Availability Zone of the standby, empty without one")
    endpoint: str = Field(description="DNS name to connect to")
    port: int = Field(description="Port to connect to")
    engine: str = Field(description="Database engine")
    engine_version: str = Field(description="Version of the engine")
    latest_restorable_time: datetime | None = Field(description="Newest point in time it can be restored to (UTC)")
    replica_of: str = Field(description="Instance it replicates from, empty for a primary")
    cluster: str = Field(default="", description="Aurora cluster it belongs to, empty without one")
    readers: list[str] = Field(default=[], description="Other members of the cluster that was asked for")
    lag_s: float | None = Field(default=None, description="Seconds a replica is behind (of readers the most)")
    lag: str = Field(default="", description="The same in words, with when it was measured or why it is unknown")


@action(
    "aws.rds_describe", risk=Risk.READ, again=Again.SAFE, result=RdsInstance,
    needs=("rds:DescribeDBInstances", "rds:DescribeDBClusters", "cloudwatch:GetMetricStatistics"),
)  # fmt: skip
class RdsDescribe(Action):
    """Look at an RDS instance or an Aurora cluster

    Example: {uses: aws.rds_describe, with: {instance: orders-db}}

    How far a replica is behind comes from CloudWatch, a minute or two old; where that cannot be asked, `lag` says so
    and the look goes on. What counts for a decision is postgres.replication_lag, which asks the database.
    """

    instance: str = Field(default="", description="Identifier of the RDS instance")
    cluster: str = Field(default="", description="Identifier of the Aurora cluster, instead of an instance")
    region: str = Field(default="", description="Region; none: the site's")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.instance) == bool(self.cluster):
            raise ValueError("give either instance or cluster")
        return self

    async def look(self, world: World) -> RdsInstance:
        """Ask AWS about the instance; about each member's lag where there is one."""
        reads = world.use(AwsReads).at(self.region)
        if not self.cluster:
            seen = await reads.rds_instance(self.instance)
            behind = [seen.id] if seen.replica_of else []
            return await self._told(world, reads, seen, seen.status, behind, aurora=False)
        cluster = await reads.rds_cluster(self.cluster)
        if not cluster.writer:
            raise Refused(f"Nobody writes in {self.cluster} now; it is {cluster.status}.", todo="Look again later.")
        seen = await reads.rds_instance(cluster.writer)
        told = await self._told(world, reads, seen, cluster.status, list(cluster.readers), aurora=True)
        return told.model_copy(update={"cluster": cluster.id, "readers": list(cluster.readers)})

    async def _told(
        self, world: World, reads: AwsReads, seen: DbInstance, status: str, behind: list[str], *, aurora: bool
    ) -> RdsInstance:
        lag_s, words = await self._lag(world, reads, behind, aurora)
        return RdsInstance(
            instance=seen.id, status=status, multi_az=seen.multi_az, writer_zone=seen.writer_zone,
            standby_zone=seen.standby_zone, endpoint=seen.endpoint, port=seen.port, engine=seen.engine,
            engine_version=seen.engine_version, latest_restorable_time=seen.latest_restorable_time,
            replica_of=seen.replica_of, cluster=seen.cluster, lag_s=lag_s, lag=words,
        )  # fmt: skip

    async def _lag(self, world: World, reads: AwsReads, behind: list[str], aurora: bool) -> tuple[float | None, str]:
        """The largest, and in words. One that is not known makes the whole not known."""
        found: list[DbLag] = []
        for id in behind:
            try:
                one = await reads.rds_lag(id, world.now, aurora=aurora)
            except (Refused, Temporary) as error:
                return None, f"lag unknown: {error.message}"
            if one is None or one.seconds is None:
                return None, f"lag unknown: {id} {'does not replicate' if one else 'has no measurement'}"
            found.append(one)
        if not found:
            return None, ""
        most = max(found, key=lambda one: one.seconds or 0.0)
        return most.seconds, f"{most.seconds:g} s behind at {most.at:%H:%M} UTC"

    async def plan(self, world: World) -> Plan:
        """What is seen now; the lag, which is another one a minute later, beside it."""
        seen = await self.look(world)
        notes = (seen.lag,) if seen.lag else ()
        return Plan(effect=self._words(seen), notes=notes, outputs=seen.model_dump(mode="json"))

    def say(self, done: RdsInstance) -> str:
        """orders-db is `available`, Multi-AZ, writer in a, standby b, 4 s behind at 14:02 UTC."""
        return self._words(done) + (f", {done.lag}" if done.lag else "")

    def _words(self, done: RdsInstance) -> str:
        zones = f"writer in {done.writer_zone}" + (f", standby {done.standby_zone}" if done.standby_zone else "")
        if done.readers or self.cluster:
            readers = f"{len(done.readers)} reader{'' if len(done.readers) == 1 else 's'}"
            return f"{done.cluster} is `{done.status}`, {done.instance} writes in {done.writer_zone}, {readers}"
        return f"{done.instance} is `{done.status}`, {'Multi-AZ' if done.multi_az else 'single-AZ'}, {zones}"
