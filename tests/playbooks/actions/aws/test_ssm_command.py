"""`aws.ssm_command`: sent once under the attempt's key, followed by AWS's record; and host actions by the same way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.aws_ssm import INSTANCES
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.action import Act, Again, Found, Park, Risk, World
from playbooks.actions.aws.ssm_command import SsmCommand, SsmRun
from playbooks.actions.host.destroy import Destroy
from playbooks.actions.host.down import HostDown
from playbooks.actions.host.look import Look
from playbooks.actions.host_runs import SETTLED_S, Ran
from playbooks.connectors.aws_ssm import SsmActs
from playbooks.connectors.hosts import HostReads, Hosts
from playbooks.connectors.receipts import Receipt
from playbooks.connectors.ssh import SshRunner
from playbooks.connectors.ssm import SsmRunner
from playbooks.errors import NotConfigured, Refused, Temporary, Uncertain
from playbooks.policy import load_policy

EXAMPLE = Path(__file__).resolve().parents[4] / "muster.example.yaml"
LINE = "docker compose -f deploy/docker/compose/base.yml -f deploy/docker/compose/production.yml restart postgres"
GIVEN: dict[str, Any] = {"host": "production", "command": "compose_restart", "arguments": {"service": "postgres"}}
STEP = SsmCommand(**GIVEN)


@pytest.fixture
async def hosts(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[str], Hosts]]:
    """The example's hosts, production reached one way or the other."""
    env, made = sandbox.env(), []
    for name, value in env.items():
        if "_HOST_" in name:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr("playbooks.connectors.ssm.FIRST_S", 0.02)
    policy = load_policy(EXAMPLE)

    def make(via: str) -> Hosts:
        here = next(id for id, name in INSTANCES.items() if name == "production")
        named = policy.hosts | {"production": policy.hosts["production"].model_copy(
            update={"via": via, "instance": here})}  # fmt: skip
        aws = SsmActs(region=env["AWS_DEFAULT_REGION"], endpoint_url=env["AWS_ENDPOINT_URL"], read_timeout=20.0,
                      access_key_id="sandbox", secret_access_key="sandbox", connect_timeout=20.0)  # fmt: skip
        ways = {"ssh": SshRunner, "ssm": lambda: SsmRunner(aws, {})}
        made.append(Hosts(named, policy.commands, ways, (), ["sandbox"]))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def step_of(hosts: Hosts, later_s: float = 0.0, repeated: bool = False) -> tuple[World, Act]:
    began = datetime.now(UTC)
    more: dict[str, Any] = {"now": began + timedelta(seconds=later_s), "key": "key-1", "started_at": began}
    return World({HostReads: hosts}, **more), Act({HostReads: hosts, Hosts: hosts}, repeated=repeated, **more)


async def restarts(sb: SandboxClient) -> int:
    return sum(line == LINE for line in (await sb.hosts())["production"]["ran"])


async def over(world: World, act: Act) -> Ran:
    """What it is in the end; the engine would look less often."""
    async with asyncio.timeout(30):
        while not isinstance(done := await STEP.resume(act, None), Ran):
            await asyncio.sleep(0.03)
    return done


async def test_it_is_sent_once_and_followed_by_awss_record(hosts: Any, sb: SandboxClient, sandbox: Sandbox) -> None:
    world, act = step_of(hosts("ssm"))
    plan = await STEP.plan(world)
    assert plan.effect == f"Run compose_restart on production by SSM: {LINE} (in /opt/ecommerce-platform)"
    assert plan.targets == ("host:production",) and plan.warnings[-1] == "AWS stops it after 120 s."
    assert (STEP.risk, STEP.again) == (Risk.RECOVERABLE, Again.NEVER) and await restarts(sb) == 0
    assert isinstance(await STEP.run(act), Park)
    done = await over(world, act)
    assert (done.exit, done.matched) == (0, True) and (await STEP.verify(world, done)).ok is True
    assert await restarts(sb) == 1 and (await sb.hosts())["production"]["receipts"] == {}
    again = await STEP.run(step_of(hosts("ssm"), repeated=True)[1])  # the record answers
    assert again == done and await restarts(sb) == 1
    found = await STEP.reconcile(world)
    assert found.happened is True and found.outputs == done
    (sent,) = [one for one in sandbox.aws.run_command.sent.values() if "compose" in one.line]
    assert len(sent.comment) == len("muster ") + 32 and "key-1" not in sent.comment


async def test_what_was_lost_or_never_came_is_told_apart(
    hosts: Any, sb: SandboxClient, monkeypatch: pytest.MonkeyPatch, settled: Any
) -> None:
    world, act = step_of(hosts("ssm"))
    up = SsmCommand(host="production", command="compose_up", arguments={"service": "redis"})
    late, _ = step_of(hosts("ssm"), later_s=SETTLED_S + 1)
    await sb.fail("aws", "SendCommand", "reset")
    with pytest.raises(Uncertain):
        await up.run(act)
    assert (await up.reconcile(world)).happened is None  # AWS may not list it yet
    assert (await up.reconcile(late)).happened is False
    await sb.fail("aws", "SendCommand", "error:ThrottlingException")
    with pytest.raises(Temporary):
        await up.run(act)
    await sb.fail("aws", "SendCommand", "close_after")
    with pytest.raises(Uncertain):
        await up.run(act)

    async def happened() -> bool:
        return (await up.reconcile(late)).happened is True

    await settled(happened)
    assert sum("up -d" in line for line in (await sb.hosts())["production"]["ran"]) == 1
    lost = SsmCommand(host="production", command="compose_up", arguments={"service": "nginx"})
    world, act = (World({HostReads: (one := hosts("ssm"))}, now=datetime.now(UTC), key="key-2"),
                  Act({HostReads: one, Hosts: one}, now=datetime.now(UTC), key="key-2"))  # fmt: skip
    monkeypatch.setattr(SsmRunner, "reach", lambda self, host: asyncio.sleep(0))
    await sb.change_host("production", unreachable=True)
    assert isinstance(await lost.run(act), Park)  # the agent went away between the look and the sending
    words = r"did not bring compose_up to production \(Delivery Timed Out\): nothing was run"
    with pytest.raises(Refused, match=words):
        async with asyncio.timeout(30):
            while isinstance(await lost.resume(act, None), Park):
                await asyncio.sleep(0.03)
    assert (await lost.reconcile(world)).happened is not True


async def test_how_it_stands_is_what_one_look_says(hosts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes between two looks: neither is judged by the other."""
    looks = [Receipt("running"), Receipt("absent", output="Delivery Timed Out")]

    async def receipt(self: SsmRun, world: World) -> Receipt:
        return looks.pop(0)

    monkeypatch.setattr(SsmRun, "receipt", receipt)
    run, (world, _) = SsmRun("compose_up", "production", {"service": "nginx"}), step_of(hosts("ssm"))
    assert (await run.wait(world)).running
    with pytest.raises(Refused, match="nothing was run"):
        await run.wait(world)


async def test_it_takes_no_other_host_and_no_other_risk(hosts: Any) -> None:
    ssh, ssm = step_of(hosts("ssh"))[0], step_of(hosts("ssm"))[0]
    with pytest.raises(Refused, match="reached via ssh: SSM does not know it"):
        await STEP.plan(ssh)
    others = (("restore_latest", "host.erase"), ("compose_ps", "host.look"), ("firewall_close", "contain"))
    for command, words in others:
        with pytest.raises(Refused, match=words):
            await SsmCommand(host="production", command=command, arguments={}).plan(ssm)
    policy = load_policy(EXAMPLE)
    host = {"production": policy.hosts["production"].model_copy(update={"via": "ssm", "instance": "i-0"})}
    with pytest.raises(NotConfigured, match="via ssm, which is not configured"):
        await HostReads(host, policy.commands, {}).reach("production")


@pytest.mark.parametrize("via", ["ssh", "ssm"])
async def test_host_actions_work_both_ways(hosts: Any, sb: SandboxClient, via: str) -> None:
    made = hosts(via)
    world, act = step_of(made)
    look = Look(host="production", command="container_fresh", arguments={"container": "ecommerce_redis"})
    assert (await look._seen(world)).values["Status"] == "running"
    step = Destroy(**GIVEN)
    assert (await step.plan(world)).effect == f"Run compose_restart on production: {LINE} (in /opt/ecommerce-platform)"
    done = await step.run(act)
    assert isinstance(done, Ran) and (done.exit, done.matched) == (0, True)
    assert (await step.verify(world, done)).ok is True
    assert await step.run(act) == done and await restarts(sb) == 1  # the receipt on the host answers
    late, _ = step_of(made, later_s=SETTLED_S + 1)
    found = await step.reconcile(late)
    assert isinstance(found, Found) and found.happened is True and found.outputs == done
    with pytest.raises(Refused, match="by SSH" if via == "ssh" else "its AWS agent takes commands"):
        await HostDown(host="production").look(world)
    await sb.change_host("production", unreachable=True)
    assert (await HostDown(host="production").look(world)).ssh
