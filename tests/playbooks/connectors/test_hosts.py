"""Commands by name: what is allowed where, and that no secret comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.connectors.hosts import HostReads, Hosts
from playbooks.connectors.ssh import SshRunner
from playbooks.errors import NotConfigured, Refused, Temporary
from playbooks.host_commands import MASK
from playbooks.policy import load_policy
from playbooks.secrets import SecretRef

EXAMPLE = Path(__file__).resolve().parents[3] / "muster.example.yaml"


@pytest.fixture
async def hosts(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hosts]:
    for name, value in env.items():
        if "_HOST_" in name:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOST_TEST_SECRET", "correct-horse-battery")
    policy = load_policy(EXAMPLE)
    secrets = [SecretRef("env://HOST_TEST_SECRET"), SecretRef("env://NOT_SET"), SecretRef("secret://aws/x")]
    one = Hosts(policy.hosts, policy.commands, {"ssh": lambda: SshRunner(connect_timeout=20)}, secrets, ["sandbox"])
    yield one
    await one.close()


async def test_only_what_the_policy_allows_where_it_allows_it(hosts: Hosts, sb: SandboxClient) -> None:
    for name, host, words in [
        ("df", "production", "allows no command df"),
        ("disk_repot", "production", "did you mean disk_report"),
        ("compose_ps", "staging", "may not run on staging, only on production, dr"),
        ("disk_report", "prodction", "no host prodction.*did you mean production"),
        ("compose_restart", "production", "is of risk recoverable: it is no look"),
    ]:
        with pytest.raises(Refused, match=words):
            await hosts.look(name, host, {})
    assert await sb.calls("host") == []
    assert hosts.may_drill("staging") and not hosts.may_drill("production") and not hosts.may_drill("nowhere")
    policy = load_policy(EXAMPLE)
    with pytest.raises(NotConfigured, match="reached via ssh"):
        await HostReads(policy.hosts, policy.commands, {}).reach("production")


async def test_a_look_is_quoted_in_its_folder_and_a_fault_says_nothing(hosts: Hosts, sb: SandboxClient) -> None:
    seen = await hosts.look("compose_logs", "production", {"service": "redis", "lines": 2})
    assert seen.status == 0 and "hunter2" in seen.raw and seen.text == f"ready\npassword={MASK}\n"
    (call,) = await sb.calls("host")
    assert call["arguments"]["argv"][:3] == ["cd", "/opt/ecommerce-platform", "&&"] and call["method"] == "compose logs"
    await sb.fail("host", "df", "close_after")
    with pytest.raises(Temporary):
        await hosts.look("disk_report", "production", {})


async def test_known_secrets_never_come_back(hosts: Hosts, sb: SandboxClient) -> None:
    said = "url postgresql://app:s3cr3tpw@db/x and correct-horse-battery and AKIAIOSFODNN7EXAMPLE"
    await sb.change_host("production", answers={"free": [0, said], "git fetch": [0, said]})
    seen = await hosts.look("memory_report", "production", {})
    assert not [word for word in ("s3cr3tpw", "correct-horse", "AKIA") if word in seen.text]
    done = await hosts.start("release_fetch", "production", {}, key="k", wait_s=30)
    assert done.status == 0 and "correct-horse" not in hosts.clean(done.output)
