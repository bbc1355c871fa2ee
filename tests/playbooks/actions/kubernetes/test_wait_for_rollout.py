"""`kubernetes.wait_for_rollout`: not before every pod is new, and no longer than the rollout has a chance."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.kubernetes.wait_for_rollout import WaitForRollout
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import NotYet, Refused

STEP = WaitForRollout(namespace="production", deployment="atlantic-api", within="5m")  # type: ignore[arg-type]
NEW: dict[str, Any] = {"namespace": "production", "name": "atlantic-api", "image": "atlantic/api:1.6.0"}


async def test_the_old_status_does_not_fool_it(world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    plan = await STEP.plan(world(kube))
    assert plan.effect == "production/atlantic-api must be rolled out within 5 min" and "revision 2" in plan.notes[0]
    await sb.settings(kubernetes_observe_seconds=30.0)
    await sb.kube("deploy", **NEW)
    with pytest.raises(NotYet, match="has not seen the change"):  # 3 of 3 available, of the generation before
        await STEP.look(world(kube))
    assert "has not seen" in (await STEP.plan(world(kube))).notes[0]
    await sb.kube("skip")
    done = await STEP.look(world(kube))
    assert (done.revision, done.images, done.available) == (3, ("atlantic/api:1.6.0",), 3)
    assert STEP.say(done) == "production/atlantic-api is rolled out: revision 3, 3 pods available"
    await sb.fail("kubernetes", "get deployments", "500")
    with pytest.raises(NotYet):
        await STEP.look(world(kube))


async def test_it_gives_up_with_the_rollout(world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    await sb.settings(kubernetes_pod_seconds=30.0, kubernetes_deadline_seconds=60.0)
    await sb.kube("deploy", **NEW, reason="ImagePullBackOff")
    with pytest.raises(NotYet, match="of 3 pods updated"):
        await STEP.look(world(kube))
    await sb.kube("skip")
    with pytest.raises(Refused, match=r"timed out progressing.*ImagePullBackOff"):
        await STEP.look(world(kube))
    await sb.kube("change", resource="deployments", namespace="production", name="atlantic-api",
                  merge={"spec": {"paused": True}})  # fmt: skip
    await sb.kube("skip")
    with pytest.raises(Refused, match="is paused"):
        await STEP.look(world(kube))
