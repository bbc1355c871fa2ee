"""`playbooks/connectors/aws.py` on the wire: every call, every way it can end, and nothing sent twice."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from aiohttp import web

from bot.sandbox.client import SandboxClient
from playbooks.action import Act, Risk, World
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.aws_client import session_name
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.secrets import SecretRef, reveal

WAYS = [
    ("429", Temporary, Temporary, 0),
    ("500", Uncertain, Temporary, 0),
    ("503", Uncertain, Temporary, 0),
    ("reset", Uncertain, Temporary, 0),
    ("timeout_before", Uncertain, Temporary, 0),
    ("timeout_after", Uncertain, Temporary, 1),
    ("close_after", Uncertain, Temporary, 1),
    ("error:AccessDenied", Refused, Refused, 0),
    ("error:InvalidClientTokenId", Refused, Refused, 0),
]


@pytest.mark.parametrize(("mode", "write", "read", "count"), WAYS)
async def test_every_failure_of_a_reboot_is_sorted_on_time_and_sent_once(
    aws: Aws, sb: SandboxClient, ending: Any, effects: Any, mode: str, write: type, read: type, count: int
) -> None:
    await aws.rds_instance("orders-db")  # makes the client, which takes its time
    await sb.fail("aws", "RebootDBInstance", mode)
    started = time.monotonic()
    error = await ending(aws.rds_reboot_with_failover("orders-db"))
    assert isinstance(error, write) and "AWS" in str(error) and "reboot_db_instance" in str(error)
    assert time.monotonic() - started < 7, "one read time-out, not two"
    assert len(await sb.calls("aws", "RebootDBInstance")) == 1  # the SDK's default sends it three times (contract E1)
    assert await effects("aws", "RebootDBInstance") == count


@pytest.mark.parametrize(("mode", "write", "read", "count"), WAYS)
async def test_a_failing_read_is_temporary_unless_refused(
    aws: Aws, sb: SandboxClient, ending: Any, mode: str, write: type, read: type, count: int
) -> None:
    await sb.fail("aws", "DescribeDBInstances", mode)
    assert isinstance(await ending(aws.rds_instance("orders-db")), read)


async def test_refusals_carry_the_code_and_what_to_do(aws: Aws, sb: SandboxClient, ending: Any) -> None:
    error = await ending(aws.rds_instance("nothing-db"))
    assert isinstance(error, ServiceRefused) and error.code in ("DBInstanceNotFound", "DBInstanceNotFoundFault")
    await sb.fail("aws", "RebootDBInstance", "error:AccessDenied")
    error = await ending(aws.rds_reboot_with_failover("orders-db"))
    assert isinstance(error, ServiceRefused) and error.todo.startswith("Allow rds:rebootdbinstance")


async def test_an_instance_and_its_failover(aws: Aws, settled: Any) -> None:
    before = await aws.rds_instance("orders-db")
    assert (before.status, before.multi_az, before.engine) == ("available", True, "postgres")
    assert (before.writer_zone, before.standby_zone) == ("eu-north-1a", "eu-north-1b")
    assert before.endpoint and before.port
    await aws.rds_reboot_with_failover("orders-db")

    async def moved() -> bool:
        return (await aws.rds_instance("orders-db")).writer_zone == "eu-north-1b"

    await settled(moved)
    assert isinstance(await aws.rds_events("orders-db", datetime.now(UTC) - timedelta(hours=1)), list)


async def test_without_credentials_nothing_is_sent(
    env: dict[str, str], ending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    aws = AwsReads(region="eu-north-1", endpoint_url=env["AWS_ENDPOINT_URL"])
    error = await ending(aws.rds_instance("orders-db"))
    await aws.close()
    assert isinstance(error, Refused) and "no credentials" in error.message and "AWS_ACCESS_KEY_ID" in error.todo


async def test_without_a_region_nothing_is_sent(ending: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    aws = AwsReads(access_key_id="a", secret_access_key="b")
    error = await ending(aws.rds_instance("orders-db"))
    await aws.close()
    assert isinstance(error, Refused) and "AWS_REGION" in error.todo


async def test_nobody_listening_is_temporary(closed_port: int, ending: Any) -> None:
    aws = Aws(
        region="eu-north-1", endpoint_url=f"http://127.0.0.1:{closed_port}", access_key_id="a", secret_access_key="b"
    )
    error = await ending(aws.rds_reboot_with_failover("orders-db"))
    await aws.close()
    assert isinstance(error, Temporary) and "nothing was done" in error.message


async def test_secrets_are_revealed_through_it(aws: Aws, env: dict[str, str], ending: Any) -> None:
    client = boto3.client("secretsmanager", endpoint_url=env["AWS_ENDPOINT_URL"], region_name="eu-north-1",
                          aws_access_key_id="sandbox", aws_secret_access_key="sandbox")  # fmt: skip
    await asyncio.to_thread(client.create_secret, Name="muster/dsn", SecretString="postgresql://u:p@h/d")
    assert await asyncio.to_thread(reveal, SecretRef("secret://aws/muster/dsn")) == "postgresql://u:p@h/d"
    error = await ending(asyncio.to_thread(reveal, SecretRef("secret://aws/muster/none")))
    assert isinstance(error, ServiceRefused) and error.code == "ResourceNotFoundException"


ROLES = {"read": "arn:aws:iam::123456789012:role/looks", "destructive": "arn:aws:iam::123456789012:role/acts"}
SITE = {"name": "primary", "region": "eu-west-1", "aws": {"roles": ROLES}}


async def test_a_step_signs_in_as_its_site_says_and_in_its_region(
    aws: Aws, sb: SandboxClient, ending: Any, now: datetime
) -> None:
    """So that CloudTrail names the step beside every call."""
    tools = {AwsReads: aws, Aws: aws}
    looking = World(tools, now=now, scope={"site": SITE}, step="INC-42/3 failover")
    acting = Act(tools, now=now, scope={"site": SITE}, step="INC-42/3 failover", risk=Risk.RECOVERABLE)
    writing = Act(tools, now=now, scope={"site": SITE}, step="INC-42/3 note", risk=Risk.WRITE)
    reads, acts = looking.use(AwsReads), acting.use(Aws)
    gone = [await ending(reads.rds_instance("orders-db")), await ending(acts.rds_reboot_with_failover("orders-db"))]
    assert all(isinstance(error, ServiceRefused) for error in gone), "orders-db is in another region"
    assert (await reads.at("eu-north-1").rds_instance("orders-db")).id == "orders-db"
    assumed = [call["arguments"]["parameters"] for call in await sb.calls("aws", "AssumeRole")]
    assert [(one["RoleArn"], one["RoleSessionName"]) for one in assumed] == [
        (ROLES["read"], "muster-INC-42-3-failover"), (ROLES["destructive"], "muster-INC-42-3-failover"),
    ]  # fmt: skip
    keys = {await one.own_access_key() for one in (aws, reads, acts)}
    assert len(keys) == 3 and await writing.use(Aws).own_access_key() == "sandbox", "no role for writes: our own key"
    assert len(await sb.calls("aws", "AssumeRole")) == 2, "one identity a step and role"


async def test_a_role_that_is_not_given_is_refused_and_nothing_was_called(
    aws: Aws, sb: SandboxClient, ending: Any, now: datetime
) -> None:
    await sb.fail("aws", "AssumeRole", "error:AccessDenied")
    acting = Act({Aws: aws}, now=now, scope={"site": SITE}, step="INC-1/1 x", risk=Risk.IRREVERSIBLE).use(Aws)
    error = await ending(acting.rds_reboot_with_failover("orders-db"))
    assert isinstance(error, Refused) and "assume_role" in error.message
    assert not await sb.calls("aws", "RebootDBInstance")


def test_a_session_is_named_as_aws_takes_it() -> None:
    assert session_name("INC-42/3 failover") == "muster-INC-42-3-failover"
    assert len(session_name("INC-42/3 " + "x" * 90)) == 64 and session_name("org/1 ü!") == "muster-org-1"


async def test_identities_share_one_reading_of_what_aws_describes(aws: Aws) -> None:
    """Each identity has a session of its own; megabytes of descriptions are not read again for each."""
    other = Aws(region="eu-north-1", endpoint_url="http://127.0.0.1:9", access_key_id="b", secret_access_key="b")
    mine, theirs = aws._client("rds"), other._client("rds")
    assert mine.meta.service_model.metadata is theirs.meta.service_model.metadata
    assert (other._credentials().access_key, aws._credentials().access_key) == ("b", "sandbox")
    assert theirs.meta.endpoint_url != mine.meta.endpoint_url
    await other.close()


async def test_a_page_of_a_proxy_is_no_answer(aiohttp_url: Any) -> None:
    """botocore raises what is none of its own errors for a body it cannot read."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(status=502, text="<html><p>Bad gateway", content_type="text/html")

    url = await aiohttp_url("/{path:.*}", page)
    aws = Aws(region="eu-north-1", endpoint_url=url, access_key_id="a", secret_access_key="s")
    with pytest.raises(Temporary, match="gave no answer to rds describe_db_instances"):
        await aws.rds_instance("orders-db")
    with pytest.raises(Uncertain, match="may or may not have happened"):
        await aws._call("rds", "reboot_db_instance", write=True, DBInstanceIdentifier="orders-db")
    await aws.close()
