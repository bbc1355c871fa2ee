"""A cluster whose rollouts take no time unless a test wants to see them take some."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.connectors.kubernetes import Kubernetes

SOON = {"kubernetes_observe_seconds": 0.0, "kubernetes_pod_seconds": 0.0}


@pytest.fixture
async def kube(kubernetes: Kubernetes, sb: SandboxClient) -> AsyncIterator[Kubernetes]:
    """The connector, with a cluster in which everything happens at once; `sb.settings` slows it down."""
    await sb.settings(**SOON)
    yield kubernetes


@pytest.fixture
def top(sb: SandboxClient) -> Any:
    """await top("production/atlantic-api"): what the cluster shows of a deployment."""

    async def look(place: str) -> dict[str, Any]:
        rows = (await sb.kubernetes())["deployments"]
        return next(row for row in rows if f"{row['namespace']}/{row['name']}" == place)

    return look
