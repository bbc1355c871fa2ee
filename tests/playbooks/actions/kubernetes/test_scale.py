"""`kubernetes.scale`: only ever up, seen to be there, and taken back to the number before."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.clusters import SETTLED_S
from playbooks.actions.kubernetes.scale import Scale, Scaled
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import NotYet, Refused, Temporary, Uncertain

PLACE = "production/atlantic-api"
STEP = Scale(namespace="production", deployment="atlantic-api", replicas=10)
PATCH = "patch deployments"
HPA = {"resource": "horizontalpodautoscalers", "namespace": "production", "name": "api"}


def autoscaler(most: int) -> dict[str, Any]:
    target = {"kind": "Deployment", "name": "atlantic-api"}
    return {"spec": {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": most}}


async def test_it_raises_and_takes_back(act: Any, world: Any, kube: Kubernetes, top: Any, effects: Any) -> None:
    plan = await STEP.plan(world(kube))
    assert plan.effect == "Scale production/atlantic-api from 3 to 10 replicas"
    assert plan.targets == ("kubernetes:sandbox/production/deployment/atlantic-api",)
    assert (STEP.risk, STEP.again, STEP.undo_risk()) == (Risk.WRITE, Again.NEVER, Risk.RECOVERABLE)
    assert await effects("kubernetes", PATCH) == 0
    done = await STEP.run(act(kube))
    assert done == Scaled(deployment=PLACE, before=3, replicas=10) and STEP.say(done) == f"{PLACE} scaled from 3 to 10"
    assert (await STEP.verify(world(kube), done)).text == f"{PLACE}: 10 of 10 pods available"
    undo = await STEP.plan_undo(world(kube), done)
    assert undo.effect == f"Scale {PLACE} from 10 to 3 replicas again" and "7 pods stop" in undo.warnings[0]
    assert (await STEP.verify_undo(world(kube), done)).ok is False
    await STEP.undo(act(kube, key="key-2"), done)
    assert (await STEP.verify_undo(world(kube), done)).ok and (await top(PLACE))["ready"] == 3
    assert (await STEP.reconcile_undo(world(kube, key="key-2"), done)).happened
    with pytest.raises(Refused, match="was scaled since"):
        await STEP.plan_undo(world(kube), done)


async def test_as_many_or_more_are_left_alone(act: Any, world: Any, kube: Kubernetes, effects: Any) -> None:
    enough = Scale(namespace="production", deployment="atlantic-api", replicas=2)
    assert (await enough.plan(world(kube))).effect == f"Leave {PLACE} at 3 replicas: it has at least 2 already"
    done = await enough.run(act(kube))
    assert enough.say(done) == f"{PLACE} has 3 replicas already" and (await enough.verify(world(kube), done)).ok
    assert await effects("kubernetes", PATCH) == 0
    with pytest.raises(Refused, match="not scaled up by this step"):
        await enough.plan_undo(world(kube), done)
    with pytest.raises(Refused, match="is not known"):
        await enough.plan_undo(world(kube), Scaled())


async def test_an_autoscaler_has_the_last_word(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    await sb.kube("change", **HPA, merge=autoscaler(8))
    for call in (STEP.plan(world(kube)), STEP.run(act(kube))):
        with pytest.raises(Refused, match="back to 8 at most"):
            await call
    await sb.kube("change", **HPA, merge=autoscaler(12))
    assert "may lower it again" in (await STEP.plan(world(kube))).warnings[0]
    await sb.kube("role", deny=["list horizontalpodautoscalers"])
    assert (await STEP.plan(world(kube))).warnings == ()


async def test_verify_is_not_fooled(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    await sb.settings(kubernetes_observe_seconds=30.0, kubernetes_pod_seconds=30.0)
    done = await STEP.run(act(kube))
    assert (await STEP.verify(world(kube), done)).ok is None
    await sb.kube("break", image="atlantic/api:1.5.0", reason="OOMKilled")
    await sb.kube("skip")
    look = await STEP.verify(world(kube), done)
    assert look.ok is None and "OOMKilled" in look.text and "3 of 10" in look.text
    await sb.kube("change", resource="deployments", namespace="production", name="atlantic-api",
                  merge={"spec": {"replicas": 4}})  # fmt: skip
    assert (await STEP.verify(world(kube), done)).ok is False


async def test_a_lost_answer_is_looked_for(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any
) -> None:
    await sb.fail("kubernetes", PATCH, "timeout_before")
    with pytest.raises(Uncertain):
        await STEP.run(act(kube))
    with pytest.raises(NotYet):
        await STEP.reconcile(world(kube))
    assert (await STEP.reconcile(world(kube, later_s=SETTLED_S + 1))).happened is False
    for mode, error in (("429", Temporary), ("error:Forbidden", Refused)):
        await sb.fail("kubernetes", PATCH, mode)
        with pytest.raises(error):
            await STEP.run(act(kube))
    assert await effects("kubernetes", PATCH) == 0
    await sb.fail("kubernetes", PATCH, "close_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(kube))
    found = await STEP.reconcile(world(kube))
    assert found.happened and found.outputs == Scaled(deployment=PLACE, before=3, replicas=10)
    assert await effects("kubernetes", PATCH) == 1
