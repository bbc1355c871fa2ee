"""`kubernetes.drain`: emptied as far as budgets allow, in turns, and what is left is named."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Park, Risk
from playbooks.actions.clusters import SETTLED_S
from playbooks.actions.kubernetes.drain import Drain, Drained
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import NotYet, Refused, Temporary, Uncertain

STEP = Drain(node="node-a", within="10m")  # type: ignore[arg-type]
AT_ONCE = Drain(node="node-a", within=0)  # type: ignore[arg-type]
EVICT, PATCH = "create pods/eviction", "patch nodes"


async def on_node_a(kube: Kubernetes) -> list[str]:
    """What a drain has to move."""
    return [pod.place for pod in await kube.pods(node="node-a") if pod.owner != "DaemonSet"]


async def test_it_empties_a_node_in_turns(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any
) -> None:
    here = await on_node_a(kube)
    plan = await STEP.plan(world(kube))
    assert plan.effect == (
        "Drain node node-a within 10 min: cordon it and evict its pods within their disruption budgets"
    )
    assert plan.notes == (f"{len(here)} pods now: {', '.join(here)}",)
    assert (STEP.risk, STEP.again, plan.targets) == (Risk.RECOVERABLE, Again.NEVER, ("kubernetes:sandbox/node/node-a",))
    assert await effects("kubernetes", EVICT) == await effects("kubernetes", PATCH) == 0
    await kube.evict(next(pod for pod in await kube.pods("production", "app=samia-tarot-app") if pod.node == "node-b"))
    await sb.settings(kubernetes_pod_seconds=30.0)  # so that its budget holds the other one back for a while
    await sb.kubernetes()
    first = await STEP.run(act(kube))
    assert isinstance(first, Park) and first.wake_in_s == 5
    (held,) = await on_node_a(kube)
    assert held.startswith("production/samia-tarot-app-")
    await sb.kube("skip")
    turns = 0
    while isinstance(done := await STEP.resume(act(kube), None), Park):
        await sb.kube("skip")
        turns += 1
        assert turns < 5
    assert done == Drained(node="node-a", was_cordoned=False) and STEP.say(done) == "node-a drained"
    assert (await STEP.verify(world(kube), done)).text == "node-a is empty"
    assert {pod.owner for pod in await kube.pods(node="node-a")} == {"DaemonSet"}
    assert all(pod.node != "node-a" for pod in await kube.pods("production"))
    assert (await STEP.plan_undo(world(kube), done)).effect.startswith("Uncordon node node-a")
    assert (await STEP.reconcile_undo(world(kube), done)).happened is False
    await STEP.undo(act(kube), done)
    assert (await STEP.verify_undo(world(kube), done)).ok and (await STEP.reconcile_undo(world(kube), done)).happened
    assert (await STEP.verify(world(kube), done)).ok is False
    with pytest.raises(Refused, match="takes new pods already"):
        await STEP.plan_undo(world(kube), done)


async def test_what_a_budget_keeps_is_named(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    place = {"resource": "poddisruptionbudgets", "namespace": "production", "name": "samia-tarot-app"}
    await sb.kube("change", **place, merge={"spec": {"minAvailable": "100%"}})
    here = await on_node_a(kube)
    done = await AT_ONCE.run(act(kube))  # its time is over after one turn
    assert isinstance(done, Drained) and len(done.left) == len(here)
    held = next(line for line in done.left if line.startswith("production/samia-tarot-app"))
    assert "needs 3 healthy pods and has 3 currently" in held
    look = await AT_ONCE.verify(world(kube), done)
    assert look.ok is False and "still has production/samia-tarot-app" in look.text
    assert AT_ONCE.say(done) == f"node-a drained, but {len(here)} pods are left"


async def test_what_it_refuses(act: Any, world: Any, kube: Kubernetes, sandbox: Any, effects: Any) -> None:
    store = sandbox.kubernetes.store
    pod = next(one for one in store.all("pods", "production") if one["spec"]["nodeName"] == "node-a")
    store.touch("pods", pod, spec={**pod["spec"], "volumes": [{"name": "v", "emptyDir": {}}]})
    for call in (STEP.plan(world(kube)), STEP.run(act(kube))):
        with pytest.raises(Refused, match="keep data on node-a"):
            await call
    lossy = Drain(node="node-a", lose_local_data=True)
    plan = await lossy.plan(world(kube))
    assert pod["metadata"]["name"] in plan.warnings[0] and "with what they keep on the node" in plan.effect
    store.touch("pods", pod, metadata={**pod["metadata"], "ownerReferences": []})
    with pytest.raises(Refused, match="Nobody would make"):
        await lossy.plan(world(kube))
    store.delete("pods", pod)
    for name in ("node-b", "node-c"):
        await kube.set_schedulable(await kube.node(name), False, {})
    with pytest.raises(Refused, match="could start nowhere"):
        await STEP.plan(world(kube))
    assert await effects("kubernetes", EVICT) == 0
    with pytest.raises(Refused, match="was cordoned before"):
        await STEP.plan_undo(world(kube), Drained())


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
    assert await effects("kubernetes", EVICT) == 0
    await sb.fail("kubernetes", PATCH, "timeout_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(kube))
    found = await STEP.reconcile(world(kube))
    assert found.happened and found.outputs == Drained(node="node-a", was_cordoned=False)
    assert (await STEP.verify(world(kube), found.outputs)).ok is False  # cordoned, not yet empty: a person retries


async def test_an_eviction_whose_answer_is_lost_or_refused_is_tried_in_the_next_turn(
    act: Any, kube: Kubernetes, sb: SandboxClient
) -> None:
    before = len(await on_node_a(kube))
    await sb.fail("kubernetes", EVICT, "close_after")
    await sb.fail("kubernetes", EVICT, "429")
    await sb.fail("kubernetes", EVICT, "error:Forbidden", times=before)
    assert isinstance(await STEP.run(act(kube)), Park)
    await sb.kube("skip")
    assert len(await on_node_a(kube)) == before - 1  # one has gone without an answer, the others may not
    await sb.clear_faults("kubernetes")
    assert isinstance(await STEP.resume(act(kube), None), Park)
    await sb.kube("skip")
    assert await STEP.resume(act(kube), None) == Drained(node="node-a", was_cordoned=False)
