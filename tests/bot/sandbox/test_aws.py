"""AWS, stood in for by moto's server behind one address, with planned failures."""

from __future__ import annotations

import asyncio
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from bot.sandbox import Sandbox, SandboxClient

ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=2, read_timeout=2)


def client(sandbox: Sandbox, name: str) -> Any:
    env = sandbox.env()
    return boto3.client(
        name, endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_DEFAULT_REGION"], config=ONCE,
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


async def test_every_protocol_passes_and_is_named(sandbox: Sandbox, sb: SandboxClient) -> None:
    await sb.instances()  # loads moto, which takes longer than the client waits

    def work() -> tuple[bytes, str]:
        s3, secrets = client(sandbox, "s3"), client(sandbox, "secretsmanager")
        s3.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
        s3.put_object(Bucket="backups", Key="day/1.dump", Body=b"dump")
        secrets.create_secret(Name="db", SecretString="x")
        return s3.get_object(Bucket="backups", Key="day/1.dump")["Body"].read(), secrets.get_secret_value(
            SecretId="db"
        )["SecretString"]

    assert await asyncio.to_thread(work) == (b"dump", "x")
    methods = [c["method"] for c in await sb.calls("aws")]
    assert methods == [
        "PUT /backups",
        "PUT /backups/day/1.dump",
        "CreateSecret",
        "GET /backups/day/1.dump",
        "GetSecretValue",
    ]
    assert [c["effect"] for c in await sb.calls("aws")] == [True, True, True, False, False]


async def test_failures_are_planned_per_action(sandbox: Sandbox, sb: SandboxClient) -> None:
    rds = client(sandbox, "rds")
    await sb.instances()
    await sb.fail("aws", "RebootDBInstance", "500")
    with pytest.raises(ClientError, match="InternalFailure"):
        await asyncio.to_thread(rds.reboot_db_instance, DBInstanceIdentifier="orders-db", ForceFailover=True)
    assert (await sb.instances())[0]["status"] == "available"
    await sb.fail("aws", "RebootDBInstance", "timeout_after")
    with pytest.raises(ReadTimeoutError):
        await asyncio.to_thread(rds.reboot_db_instance, DBInstanceIdentifier="orders-db", ForceFailover=True)

    async def moved() -> bool:
        return bool((await sb.instances())[0]["zone"] == "eu-north-1b")

    await sb.wait_until(moved)
    calls = await sb.calls("aws", "RebootDBInstance")
    assert [(c["fault"], c["effect"]) for c in calls] == [("500", False), ("timeout_after", True)]


async def test_two_sandboxes_do_not_see_each_other(sandbox: Sandbox, sb: SandboxClient) -> None:
    async with Sandbox() as other, SandboxClient(other.url) as theirs:
        await theirs.instance("orders-db", zone="eu-north-1c")
        assert (await sb.instances())[0]["zone"] == "eu-north-1a"


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        ("rds", "describe_db_instances", {}),
        ("s3", "list_buckets", {}),
        ("ec2", "describe_instances", {}),
        ("secretsmanager", "list_secrets", {}),
    ],
)
async def test_planned_errors_speak_the_services_protocol(
    sandbox: Sandbox, sb: SandboxClient, service: str, call: str, arguments: dict[str, Any]
) -> None:
    made = client(sandbox, service)
    await sb.fail("aws", "*", "error:AccessDenied")
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(getattr(made, call), **arguments)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"


async def test_an_action_moto_does_not_know_is_501(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError, match="NotImplemented"):
        await asyncio.to_thread(client(sandbox, "ssm").describe_activations)
