"""`kubernetes.scale_down`: fewer or none, counted by pods that are gone, and taken back to the number before."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.clusters import SETTLED_S
from playbooks.actions.kubernetes.scale_down import ScaledDown, ScaleDown
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import NotYet, Refused, Temporary, Uncertain

PLACE = "production/samia-tarot-app"
STEP = ScaleDown(namespace="production", deployment="samia-tarot-app", replicas=0)
PATCH = "patch deployments"


async def test_it_stops_and_starts_again(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, top: Any) -> None:
    plan = await STEP.plan(world(kube))
    assert plan.effect == f"Scale {PLACE} from 3 to 0 replicas" and "nothing of it serves" in plan.warnings[0]
    assert (STEP.risk, STEP.again, STEP.undo_risk()) == (Risk.RECOVERABLE, Again.NEVER, Risk.RECOVERABLE)
    await sb.settings(kubernetes_observe_seconds=30.0)
    done = await STEP.run(act(kube))
    assert done == ScaledDown(deployment=PLACE, before=3, replicas=0)
    look = await STEP.verify(world(kube), done)
    assert look.ok is None and look.text == f"{PLACE}: 3 pods, 0 wanted"  # wanted is not yet gone
    await sb.kube("skip")
    assert (await STEP.verify(world(kube), done)).ok and STEP.say(done) == f"{PLACE} scaled from 3 to 0"
    assert (await STEP.plan_undo(world(kube), done)).effect == f"Scale {PLACE} from 0 to 3 replicas again"
    assert (await STEP.verify_undo(world(kube), done)).ok is False
    await STEP.undo(act(kube, key="key-2"), done)
    assert (await STEP.verify_undo(world(kube), done)).ok is None
    await sb.kube("skip")
    assert (await STEP.verify_undo(world(kube), done)).ok and (await top(PLACE))["ready"] == 3
    assert (await STEP.reconcile_undo(world(kube, key="key-2"), done)).happened
    with pytest.raises(Refused, match="was scaled since"):
        await STEP.plan_undo(world(kube), done)
    await sb.kube("change", resource="deployments", namespace="production", name="samia-tarot-app",
                  merge={"spec": {"replicas": 5}})  # fmt: skip
    assert (await STEP.verify(world(kube), done)).ok is False


async def test_what_is_not_lowered(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any) -> None:
    few = ScaleDown(namespace="production", deployment="samia-tarot-app", replicas=3)
    assert (await few.plan(world(kube))).effect == f"Leave {PLACE} at 3 replicas: it has at most 3 already"
    with pytest.raises(Refused, match="not scaled down by this step"):
        await few.plan_undo(world(kube), await few.run(act(kube)))
    target = {"kind": "Deployment", "name": "samia-tarot-app"}
    await sb.kube("change", resource="horizontalpodautoscalers", namespace="production", name="tarot",
                  merge={"spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9}})  # fmt: skip
    one = ScaleDown(namespace="production", deployment="samia-tarot-app", replicas=1)
    for call in (one.plan(world(kube)), one.run(act(kube))):
        with pytest.raises(Refused, match="back to 2 at least"):
            await call
    assert "the 2 that stay" in (await one.model_copy(update={"replicas": 2}).plan(world(kube))).warnings[0]
    assert (await STEP.plan(world(kube))).effect.endswith("to 0 replicas")  # at 0 an autoscaler stops
    assert await effects("kubernetes", PATCH) == 0


async def test_verify_counts_pods_not_wishes(act: Any, world: Any, kube: Kubernetes, sandbox: Any) -> None:
    done = await STEP.run(act(kube))
    store = sandbox.kubernetes.store
    (pod, *_) = [
        one for one in store.all("pods", "production") if one["metadata"]["labels"]["app"] == "samia-tarot-app"
    ]
    kept = {**pod, "metadata": {**pod["metadata"], "name": "lingers"}}
    store.settle()
    store.create("pods", kept)
    look = await STEP.verify(world(kube), done)
    assert look.ok is None and look.text == f"{PLACE}: 1 pods, 0 wanted"


async def test_a_lost_answer_is_looked_for(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any
) -> None:
    for mode, error in (("429", Temporary), ("error:Forbidden", Refused), ("reset", Uncertain)):
        await sb.fail("kubernetes", PATCH, mode)
        with pytest.raises(error):
            await STEP.run(act(kube))
    with pytest.raises(NotYet):
        await STEP.reconcile(world(kube))
    assert (await STEP.reconcile(world(kube, later_s=SETTLED_S + 1))).happened is False
    assert await effects("kubernetes", PATCH) == 0
    await sb.fail("kubernetes", PATCH, "timeout_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(kube))
    found = await STEP.reconcile(world(kube))
    assert found.happened and found.outputs == ScaledDown(deployment=PLACE, before=3, replicas=0)
    assert await effects("kubernetes", PATCH) == 1
