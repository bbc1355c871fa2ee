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
    await sb.instances()
    said = await asyncio.to_thread(rds.reboot_db_instance, DBInstanceIdentifier="orders-db", ForceFailover=True)
    assert said["DBInstance"]["DBInstanceStatus"] == "rebooting"
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(rds.reboot_db_instance, DBInstanceIdentifier="orders-db", ForceFailover=True)
    assert caught.value.response["Error"]["Code"] == "InvalidDBInstanceState"
    await asyncio.sleep(0.4)
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
