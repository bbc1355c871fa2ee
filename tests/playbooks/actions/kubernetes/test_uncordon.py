"""`kubernetes.uncordon`: a node takes pods again, and those that found no place get one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.kubernetes.uncordon import Uncordon
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import Refused, Temporary, Uncertain

STEP = Uncordon(node="node-a")
PATCH = "patch nodes"


async def test_it_takes_pods_again(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any) -> None:
    assert (await STEP.plan(world(kube))).effect == "Leave node node-a as it is: it takes new pods already"
    done = await STEP.run(act(kube))
    assert await effects("kubernetes", PATCH) == 0 and (await STEP.verify(world(kube), done)).ok
    for node in await kube.nodes():
        await kube.set_schedulable(node, False, {})
    (pod, *_) = await kube.pods("production", "app=api")
    assert await kube.evict(pod) == ""
    await sb.kube("skip")
    assert [one.state for one in await kube.pods("production", "app=api") if not one.ready] == ["Pending"]
    await sb.kube("fill", node="node-a")
    plan = await STEP.plan(world(kube))
    assert plan.effect == "Uncordon node node-a" and "DiskPressure" in plan.notes[0]
    assert (await STEP.verify(world(kube), done)).ok is False
    assert (STEP.risk, STEP.again) == (Risk.WRITE, Again.KEYED)
    done = await STEP.run(act(kube))
    assert (await STEP.verify(world(kube), done)).text == "node-a takes new pods" == STEP.say(done)
    await sb.kube("skip")
    assert all(one.ready for one in await kube.pods("production", "app=api"))


async def test_a_lost_answer_is_repeated(act: Any, kube: Kubernetes, sb: SandboxClient, effects: Any) -> None:
    await kube.set_schedulable(await kube.node("node-a"), False, {})
    for mode, error in (("429", Temporary), ("error:Forbidden", Refused), ("close_after", Uncertain)):
        await sb.fail("kubernetes", PATCH, mode)
        with pytest.raises(error):
            await STEP.run(act(kube))
    await STEP.run(act(kube))
    assert await effects("kubernetes", PATCH) == 2 and (await kube.node("node-a")).schedulable
