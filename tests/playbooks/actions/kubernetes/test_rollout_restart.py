"""`kubernetes.rollout_restart`: new pods, once for one attempt, and never all at once."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.kubernetes.rollout_restart import RolloutRestart
from playbooks.connectors.kubernetes import RESTARTED_AT, Kubernetes
from playbooks.errors import Refused, Temporary, Uncertain

STEP = RolloutRestart(namespace="production", deployment="atlantic-api")
PATCH = "patch deployments"


async def test_every_pod_is_replaced_once(act: Any, world: Any, kube: Kubernetes, effects: Any) -> None:
    before = {pod.uid for pod in await kube.pods("production", "app=api")}
    plan = await STEP.plan(world(kube))
    assert plan.effect == "Restart production/atlantic-api: replace its 3 pods, at most 0 missing at a time"
    assert (STEP.risk, STEP.again) == (Risk.WRITE, Again.KEYED) and await effects("kubernetes", PATCH) == 0
    done = await STEP.run(act(kube))
    assert (await STEP.verify(world(kube), done)).text.startswith("production/atlantic-api restarted: 3 of 3")
    assert not before & {pod.uid for pod in await kube.pods("production", "app=api")}
    assert await STEP.run(act(kube)) == done and await effects("kubernetes", PATCH) == 1  # the same key
    assert STEP.say(done) == f"production/atlantic-api restarted at {done.at}"
    again = await STEP.run(act(kube, key="key-2"))
    assert await effects("kubernetes", PATCH) == 2 and (await STEP.verify(world(kube), again)).ok


async def test_a_lost_answer_is_repeated_without_a_second_restart(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any
) -> None:
    await sb.fail("kubernetes", PATCH, "timeout_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(kube))
    done = await STEP.run(act(kube))
    assert await effects("kubernetes", PATCH) == 1 and (await STEP.verify(world(kube), done)).ok
    for mode, error in (("429", Temporary), ("error:Forbidden", Refused), ("reset", Uncertain)):
        await sb.fail("kubernetes", PATCH, mode)
        with pytest.raises(error):
            await STEP.run(act(kube, key="key-2"))
    assert await effects("kubernetes", PATCH) == 1


async def test_verify_is_not_fooled(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    await sb.settings(kubernetes_observe_seconds=30.0)
    done = await STEP.run(act(kube))
    assert (await STEP.verify(world(kube), done)).ok is None
    marked = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: "2020-01-01T00:00:00+02:00"}}}}}
    place = {"resource": "deployments", "namespace": "production", "name": "atlantic-api"}
    await sb.kube("change", **place, merge=marked)
    look = await STEP.verify(world(kube), done)
    assert look.ok is False and "set back" in look.text


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"paused": True}, "is paused"), ({"replicas": 0}, "has no pods"),
        ({"strategy": {"type": "Recreate", "rollingUpdate": None}}, "its strategy is Recreate"),
        ({"strategy": {"rollingUpdate": {"maxUnavailable": "100%"}}}, "all its pods may be missing"),
    ],
)  # fmt: skip
async def test_it_refuses_to_stop_everything_at_once(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any, spec: Any, words: str
) -> None:
    await sb.kube("change", resource="deployments", namespace="production", name="atlantic-api", merge={"spec": spec})
    for call in (STEP.plan(world(kube)), STEP.run(act(kube))):
        with pytest.raises(Refused, match=words):
            await call
    assert await effects("kubernetes", PATCH) == 0
