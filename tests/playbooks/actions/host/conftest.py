"""The sandbox's hosts, the example policy's commands, and tools pointed at them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.server import Sandbox
from playbooks.action import Act, World
from playbooks.connectors.hosts import HostReads, Hosts
from playbooks.connectors.ssh import SshRunner
from playbooks.policy import Policy, load_policy
from playbooks.secrets import SecretRef

EXAMPLE = Path(__file__).resolve().parents[4] / "muster.example.yaml"


@pytest.fixture
def policy(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Policy:
    for name, value in sandbox.env().items():
        if "_HOST_" in name:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOST_TEST_SECRET", "correct-horse-battery")
    return load_policy(EXAMPLE)


@pytest.fixture
async def hosts(policy: Policy) -> AsyncIterator[Hosts]:
    secrets = [SecretRef("env://HOST_TEST_SECRET"), SecretRef("env://NOT_SET")]
    ways = {"ssh": lambda: SshRunner(connect_timeout=5.0)}
    one = Hosts(policy.hosts, policy.commands, ways, secrets, drill_sites=["sandbox"])
    yield one
    await one.close()


@pytest.fixture
def reads(hosts: Hosts) -> HostReads:
    """What looks are handed."""
    return hosts


@pytest.fixture
def at(hosts: Hosts) -> Callable[..., tuple[World, Act]]:
    """at(key=, later_s=, scope=): the world and the act of one step that began now, later_s ago."""
    began = datetime.now(UTC)

    def make(key: str = "key-1", later_s: float = 0.0, scope: Mapping[str, Any] | None = None) -> tuple[World, Act]:
        more: dict[str, Any] = {"now": began + timedelta(seconds=later_s), "key": key, "scope": scope,
                                "started_at": began}  # fmt: skip
        return World({HostReads: hosts}, **more), Act({HostReads: hosts, Hosts: hosts}, **more)

    return make
