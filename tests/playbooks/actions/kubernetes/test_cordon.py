"""`kubernetes.cordon`: no new pods on a node, once, and back."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.kubernetes.cordon import Cordon, Cordoned
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import Refused, Temporary, Uncertain

STEP = Cordon(node="node-a")
PATCH = "patch nodes"


async def test_there_and_back(act: Any, world: Any, kube: Kubernetes, effects: Any) -> None:
    plan = await STEP.plan(world(kube))
    assert plan.effect == "Cordon node node-a: no new pods there" and plan.notes == ("2 other nodes take pods.",)
    assert plan.targets == ("kubernetes:sandbox/node/node-a",)
    assert (STEP.risk, STEP.again, STEP.undo_risk()) == (Risk.WRITE, Again.KEYED, Risk.WRITE)
    done = Cordoned(node="node-a", changed=True)
    assert (await STEP.verify(world(kube), done)).ok is False
    assert await STEP.run(act(kube)) == done and (await STEP.verify(world(kube), done)).ok
    assert await STEP.run(act(kube)) == done  # the same attempt again
    other = await STEP.run(act(kube, key="key-2"))
    assert STEP.say(other) == "node-a cordoned already" and await effects("kubernetes", PATCH) == 1
    assert (await STEP.plan(world(kube))).effect == "Leave node node-a cordoned: it is already"
    with pytest.raises(Refused, match="was cordoned before"):
        await STEP.plan_undo(world(kube), other)
    assert (await STEP.plan_undo(world(kube), done)).effect.startswith("Uncordon node node-a")
    assert (await STEP.reconcile_undo(world(kube), done)).happened is False
    await STEP.undo(act(kube), done)
    assert (await STEP.verify_undo(world(kube), done)).ok and (await STEP.reconcile_undo(world(kube), done)).happened
    with pytest.raises(Refused, match="takes new pods already"):
        await STEP.plan_undo(world(kube), done)


async def test_never_the_last_one(act: Any, world: Any, kube: Kubernetes) -> None:
    for name in ("node-b", "node-c"):
        await Cordon(node=name).run(act(kube))
    for call in (STEP.plan(world(kube)), STEP.run(act(kube))):
        with pytest.raises(Refused, match="last node that takes pods"):
            await call


async def test_a_lost_answer_is_repeated(act: Any, kube: Kubernetes, sb: SandboxClient, effects: Any) -> None:
    for mode, error in (("429", Temporary), ("error:Forbidden", Refused), ("close_after", Uncertain)):
        await sb.fail("kubernetes", PATCH, mode)
        with pytest.raises(error):
            await STEP.run(act(kube))
    assert (await STEP.run(act(kube))).changed and await effects("kubernetes", PATCH) == 1
