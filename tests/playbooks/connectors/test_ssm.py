"""Lines by the AWS agent: their end, their output, and what silence means."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sandbox.aws_ssm import INSTANCES
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.action import Where
from playbooks.connectors.aws_ssm import DELIVERY_S, SsmActs, unbraced
from playbooks.connectors.ssm import SsmRunner
from playbooks.connectors.tails import WRAP
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.policy_hosts import Host

HERE = next(id for id, name in INSTANCES.items() if name == "production")
LOOK = "docker inspect --format '{{json .State}}' ecommerce_redis"


@pytest.fixture
async def ssm(env: dict[str, str], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SsmRunner]:
    aws = SsmActs(region=env["AWS_DEFAULT_REGION"], endpoint_url=env["AWS_ENDPOINT_URL"], access_key_id="sandbox",
                  secret_access_key="sandbox", connect_timeout=20.0, read_timeout=20.0)  # fmt: skip
    monkeypatch.setattr("playbooks.connectors.ssm.FIRST_S", 0.02)
    one = SsmRunner(aws, {"primary": {"region": env["AWS_DEFAULT_REGION"]}})
    yield one.bound(Where("INC-42/3 failover"))
    await one.close()


@pytest.fixture
def host() -> Host:
    return Host(name="production", site="primary", via="ssm", instance=HERE)


async def test_it_runs_a_line_and_tells_its_end(ssm: SsmRunner, host: Host, sandbox: Sandbox) -> None:
    await ssm.reach(host)
    said = await ssm.run(host, LOOK, write=False, deadline_s=30)
    assert said.status == 0 and '"Status"' in said.text
    said = await ssm.run(host, "cat /nowhere", write=True, deadline_s=30)
    assert (said.status, said.text) == (1, "cat: /nowhere: No such file or directory\n")
    first, second = sandbox.aws.run_command.sent.values()
    assert first.comment == "muster INC-42/3 failover" and "{{" not in first.line
    assert (first.timeout_s, second.timeout_s) == (30, 90)  # what a write started is not stopped by AWS


async def test_what_never_came_there_was_not_done(ssm: SsmRunner, host: Host, sb: SandboxClient) -> None:
    await sb.change_host("production", unreachable=True)
    with pytest.raises(Temporary, match=r"agent of i-0555000000000001 is ConnectionLost, last heard of"):
        await ssm.reach(host)
    with pytest.raises(Temporary, match=r"Delivery Timed Out.*nothing was done"):
        await ssm.run(host, "df -h", write=True, deadline_s=30)
    assert await sb.calls("host") == []
    stranger = host.model_copy(update={"instance": "i-0unknown"})
    for call in (ssm.reach(stranger), ssm.run(stranger, "df -h", write=True, deadline_s=30)):
        with pytest.raises(Refused, match="AmazonSSMManagedInstanceCore"):
            await call
    await sb.fail("aws", "SendCommand", "error:ThrottlingException")
    with pytest.raises(Temporary, match="nothing was done"):
        await ssm.run(host, "df -h", write=True, deadline_s=30)
    await sb.fail("aws", "SendCommand", "error:AccessDeniedException")
    with pytest.raises(
        Refused, match=r"Allow ssm:SendCommand on i-0555000000000001 and on document/AWS-RunShellScript"
    ):
        await ssm.run(host, "df -h", write=True, deadline_s=30)


async def test_silence_after_sending_is_uncertain_for_a_write(ssm: SsmRunner, host: Host, sb: SandboxClient) -> None:
    await sb.change_host("production", slow={"df": 30})
    for write, kind in ((True, Uncertain), (False, Temporary)):
        with pytest.raises(kind, match=r"no end within 2 s \(.+\)"):  # how it stands, if there was time to look
            await ssm.run(host, "df -h", write=write, deadline_s=2)
        cancelled = [one["method"] for one in await sb.calls("aws")][-1] == "CancelCommand"
        assert cancelled is not write, "only a look that nobody waits for is given up"
    await sb.change_host("production", slow={"df": 0})
    for write, kind in ((True, Uncertain), (False, Temporary)):
        await sb.fail("aws", "SendCommand", "close_after")
        with pytest.raises(kind):
            await ssm.run(host, "df -h", write=write, deadline_s=30)
    await sb.fail("aws", "GetCommandInvocation", "error:ThrottlingException", times=2)
    assert (await ssm.run(host, "df -h", write=True, deadline_s=30)).status == 0
    await sb.fail("aws", "GetCommandInvocation", "error:AccessDeniedException")
    with pytest.raises(Uncertain, match="AccessDenied"):
        await ssm.run(host, "df -h", write=True, deadline_s=30)


async def test_awss_record_is_a_receipt(ssm: SsmRunner, host: Host, sb: SandboxClient) -> None:
    began = datetime.now(UTC)

    async def state(key: str) -> tuple[str, int | None]:
        async with asyncio.timeout(30):
            while (found := await ssm.stands(host, key=key, since=began)).state == "running":
                await asyncio.sleep(0.02)
        return found.state, found.status

    assert await state("never") == ("absent", None)
    await ssm.send(host, "cat /nowhere", key="k1", timeout_s=5)
    assert await state("k1") == ("ended", 1)
    await sb.change_host("production", slow={"df": 30})
    await ssm.send(host, "df -h", key="k0", timeout_s=60)
    assert (await ssm.stands(host, key="k0", since=began)).state == "running"
    await ssm.send(host, "df -h", key="k2", timeout_s=1)
    await sb.change_host("production", unreachable=True)
    await ssm.send(host, "df -h", key="k3", timeout_s=1)
    assert await state("k3") == ("absent", None) and await state("k2") == ("cut", None)


def test_the_wrapping_keeps_status_stderr_head_and_tail() -> None:
    def sh(line: str) -> Any:
        sent = unbraced(shlex.join(["sh", "-c", WRAP, "muster", line]))
        assert "{{" not in sent
        return subprocess.run(["sh", "-c", sent], capture_output=True, text=True, check=False)

    ran = sh("printf '%s=' '{{{json}}}'; echo oops >&2; exit 3")
    assert (ran.returncode, ran.stdout) == (3, "{{{json}}}=oops\n")
    ran = sh("seq 1 10000")
    assert ran.returncode == 0 and len(ran.stdout) < 20_000 and "[... 30894 characters ...]" in ran.stdout
    assert ran.stdout.startswith("1\n2\n") and ran.stdout.endswith("9999\n10000\n") and DELIVERY_S >= 30
