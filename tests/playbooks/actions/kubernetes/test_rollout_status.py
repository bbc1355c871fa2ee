"""`kubernetes.rollout_status`: the revision, what could be gone back to, and which pods are not well."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.kubernetes.rollout_status import RolloutStatus
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.kubernetes import Kubernetes

STEP = RolloutStatus(namespace="production", deployment="atlantic-api")


async def test_it_says_how_far_a_rollout_is(world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    seen = await STEP.look(world(kube))
    assert (seen.revision, seen.previous, seen.done, seen.failed, seen.available) == (2, 1, True, False, 3)
    assert seen.revisions == ("1: atlantic/api:1.4.2", "2: atlantic/api:1.5.0") and seen.trouble == ()
    assert STEP.say(seen) == "production/atlantic-api, revision 2: 3 of 3 pods available"
    assert (STEP.risk, STEP.again) == (Risk.READ, Again.SAFE)
    await sb.kube("deploy", namespace="production", name="atlantic-api", image="atlantic/api:1.6.0", reason="OOMKilled")
    await sb.kube("skip")
    seen = await STEP.look(world(kube))
    assert (seen.revision, seen.previous, seen.done, seen.failed) == (3, 2, False, True)
    assert seen.trouble[0].endswith(": CrashLoopBackOff after OOMKilled, 1 restart") and len(seen.trouble) == 1
    assert "timed out progressing" in seen.state
    with pytest.raises(ServiceRefused, match="NotFound"):
        await RolloutStatus(namespace="production", deployment="none").look(world(kube))
