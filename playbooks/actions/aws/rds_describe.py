"""`aws.rds_describe`: what an RDS instance looks like now."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.connectors.aws import AwsReads


class RdsInstance(Outputs):
    """An RDS instance as AWS describes it."""

    instance: str = Field(description="Identifier")
    status: str = Field(description='"available", "rebooting", ...')
    multi_az: bool = Field(description="Whether a synchronous standby exists")
    writer_zone: str = Field(description="Availability Zone of the writer")
    standby_zone: str = Field(description="Availability Zone of the standby, empty without one")
    endpoint: str = Field(description="DNS name to connect to")
    port: int = Field(description="Port to connect to")
    engine: str = Field(description="Database engine")
    engine_version: str = Field(description="Version of the engine")
    latest_restorable_time: datetime | None = Field(description="Newest point in time it can be restored to (UTC)")
    replica_of: str = Field(description="Instance it replicates from, empty for a primary")


@action("aws.rds_describe", risk=Risk.READ, again=Again.SAFE, needs=("rds:DescribeDBInstances",), result=RdsInstance)
class RdsDescribe(Action):
    """Look at an RDS instance

    Example: {uses: aws.rds_describe, with: {instance: orders-db}}
    """

    instance: str = Field(description="Identifier of the RDS instance", min_length=1)

    async def look(self, world: World) -> RdsInstance:
        """Ask AWS once."""
        seen = await world.use(AwsReads).rds_instance(self.instance)
        return RdsInstance(
            instance=seen.id, status=seen.status, multi_az=seen.multi_az, writer_zone=seen.writer_zone,
            standby_zone=seen.standby_zone, endpoint=seen.endpoint, port=seen.port, engine=seen.engine,
            engine_version=seen.engine_version, latest_restorable_time=seen.latest_restorable_time,
            replica_of=seen.replica_of,
        )  # fmt: skip

    def say(self, done: RdsInstance) -> str:
        """orders-db is `available`, Multi-AZ, writer in a, standby b."""
        zones = f"writer in {done.writer_zone}" + (f", standby {done.standby_zone}" if done.standby_zone else "")
        return f"{done.instance} is `{done.status}`, {'Multi-AZ' if done.multi_az else 'single-AZ'}, {zones}"
