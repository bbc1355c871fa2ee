"""`kubernetes.deploys`: the newest first, each with its time and images."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.kubernetes.deploys import Deploys
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.kubernetes import Kubernetes

STEP = Deploys(namespace="production", deployment="atlantic-api")


async def test_what_came_when(world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    await sb.kube("deploy", namespace="production", name="atlantic-api", image="atlantic/api:1.6.0")
    seen = await STEP.look(world(kube))
    assert (seen.deployment, seen.revision) == ("production/atlantic-api", 3) and seen.newest_at
    assert [one.split(" made ")[0] for one in seen.deploys] == ["revision 3", "revision 2", "revision 1"]
    assert "min ago): atlantic/api:1.6.0" in seen.deploys[0] and "atlantic/api:1.4.2" in seen.deploys[2]
    assert STEP.say(seen).startswith("production/atlantic-api: ") and " | revision 2 made " in STEP.say(seen)
    assert (STEP.risk, STEP.again) == (Risk.READ, Again.SAFE)
    with pytest.raises(ServiceRefused, match="NotFound"):
        await Deploys(namespace="production", deployment="none").look(world(kube))
