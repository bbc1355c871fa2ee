"""RDS, stood in for: zones that move on failover, events, states that take time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from bot.sandbox import Sandbox, SandboxClient


@pytest.fixture
def rds(sandbox: Sandbox) -> Any:
    env = sandbox.env()
    return boto3.client(
        "rds", endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_DEFAULT_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


async def look(rds: Any) -> dict[str, Any]:
    found = await asyncio.to_thread(rds.describe_db_instances, DBInstanceIdentifier="orders-db")
    return dict(found["DBInstances"][0])


async def test_the_seeded_instance_shows_both_zones(rds: Any) -> None:
    row = await look(rds)
    assert (row["MultiAZ"], row["AvailabilityZone"], row["SecondaryAvailabilityZone"]) == (
        True, "eu-north-1a", "eu-north-1b",
    )  # fmt: skip
    assert datetime.now(UTC) - row["LatestRestorableTime"] < timedelta(minutes=10)


async def test_a_forced_failover_takes_time_and_swaps_the_zones(rds: Any, sb: SandboxClient) -> None:
    await sb.settings(reboot_seconds=2.0)
    said = await asyncio.to_thread(rds.reboot_db_instance, DBInstanceIdentifier="orders-db", ForceFailover=True)
    assert said["DBInstance"]["DBInstanceStatus"] == "rebooting"
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(rds.reboot_db_instance, DBInstanceIdentifier="orders-db", ForceFailover=True)
    assert caught.value.response["Error"]["Code"] == "InvalidDBInstanceState"

    async def over() -> bool:
        return bool((await look(rds))["DBInstanceStatus"] == "available")

    await sb.wait_until(over)
    row = await look(rds)
    assert (row["DBInstanceStatus"], row["AvailabilityZone"], row["SecondaryAvailabilityZone"]) == (
        "available", "eu-north-1b", "eu-north-1a",
    )  # fmt: skip


async def test_a_plain_reboot_stays_in_its_zone(rds: Any, sb: SandboxClient) -> None:
    await asyncio.to_thread(rds.reboot_db_instance, DBInstanceIdentifier="orders-db")
    await asyncio.sleep(0.4)
    assert (await sb.instances())[0]["zone"] == "eu-north-1a"


async def test_a_single_zone_instance_cannot_fail_over(rds: Any, sb: SandboxClient) -> None:
    await sb.instance("orders-db", multi_az=False)
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(rds.reboot_db_instance, DBInstanceIdentifier="orders-db", ForceFailover=True)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterCombination"
    assert "SecondaryAvailabilityZone" not in await look(rds)
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(rds.reboot_db_instance, DBInstanceIdentifier="nothing")
    assert caught.value.response["Error"]["Code"] == "DBInstanceNotFound"


async def test_a_restore_to_a_point_in_time_is_single_zone_and_no_replica(rds: Any, sb: SandboxClient) -> None:
    await sb.settings(reboot_seconds=1.5)
    arguments = {"SourceDBInstanceIdentifier": "orders-db", "UseLatestRestorableTime": True}
    await asyncio.to_thread(rds.restore_db_instance_to_point_in_time, TargetDBInstanceIdentifier="one", **arguments)
    await asyncio.to_thread(
        rds.restore_db_instance_to_point_in_time, TargetDBInstanceIdentifier="two", MultiAZ=True, **arguments
    )
    rows = {row["id"]: row for row in await sb.instances()}
    assert (rows["one"]["status"], rows["one"]["multi_az"], rows["one"]["secondary_zone"]) == ("creating", False, None)
    assert rows["two"]["multi_az"] is True and rows["two"]["read_replica_of"] is None

    async def made() -> bool:
        return {row["status"] for row in await sb.instances()} == {"available"}

    await sb.wait_until(made)


async def test_a_promoted_replica_names_no_source(rds: Any, sb: SandboxClient) -> None:
    await asyncio.to_thread(
        rds.create_db_instance_read_replica, DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="orders-db"
    )
    assert {row["id"]: row["read_replica_of"] for row in await sb.instances()}["copy"] == "orders-db"
    await asyncio.to_thread(rds.promote_read_replica, DBInstanceIdentifier="copy", BackupRetentionPeriod=7)
    found = await asyncio.to_thread(rds.describe_db_instances, DBInstanceIdentifier="copy")
    assert "ReadReplicaSourceDBInstanceIdentifier" not in found["DBInstances"][0]
    assert "copy" not in (await look(rds))["ReadReplicaDBInstanceIdentifiers"]
