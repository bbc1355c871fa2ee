"""`kubernetes.rollout_undo`: exact words, one patch, and the truth about what happened."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.clusters import SETTLED_S
from playbooks.actions.kubernetes.rollout_undo import RolledBack, RolloutUndo
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import NotYet, Refused, Temporary, Uncertain

PLACE = "production/atlantic-api"
STEP = RolloutUndo(namespace="production", deployment="atlantic-api", from_revision=2)
PATCH = "patch deployments"
BAD: dict[str, Any] = {"namespace": "production", "name": "atlantic-api", "image": "atlantic/api:1.6.0"}


async def test_it_goes_back_and_forth_in_exact_words(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, top: Any, effects: Any
) -> None:
    plan = await STEP.plan(world(kube))
    assert plan.effect == (
        "Roll production/atlantic-api back from revision 2 to 1: atlantic/api:1.5.0 -> atlantic/api:1.4.2"
    )
    assert plan.targets == ("kubernetes:sandbox/production/deployment/atlantic-api",)
    assert (STEP.risk, STEP.again, STEP.can_undo()) == (Risk.RECOVERABLE, Again.NEVER, True)
    assert await effects("kubernetes", PATCH) == 0
    done = await STEP.run(act(kube))
    assert STEP.say(done) == "production/atlantic-api from revision 2 back to 1 (atlantic/api:1.4.2)"
    assert (await STEP.verify(world(kube), done)).text == "atlantic/api:1.4.2 again: 3 of 3 pods available"
    assert (await top(PLACE))["revision"] == 3
    with pytest.raises(Refused, match="is at revision 3, not at 2"):
        await STEP.run(act(kube))
    undo = await STEP.plan_undo(world(kube), done)
    assert undo.effect == f"Roll {PLACE} to revision 2 again: atlantic/api:1.4.2 -> atlantic/api:1.5.0"
    assert (await STEP.verify_undo(world(kube), done)).ok is None
    back = await STEP.undo(act(kube, key="key-2"), done)
    assert back.images == ("atlantic/api:1.5.0",) and (await STEP.verify_undo(world(kube), done)).ok
    assert (await STEP.reconcile_undo(world(kube, key="key-2"), done)).happened
    with pytest.raises(Refused, match="something else was deployed since"):
        await STEP.plan_undo(world(kube), done)


async def test_a_named_revision_and_what_kubectl_keeps(act: Any, kube: Kubernetes, sb: SandboxClient, top: Any) -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kubernetes.io/change-cause": "now"}
    await sb.kube("change", resource="deployments", namespace="production", name="atlantic-api",
                  merge={"metadata": {"annotations": applied}})  # fmt: skip
    await sb.kube("deploy", **BAD)
    await sb.kube("skip")
    done = await RolloutUndo(namespace="production", deployment="atlantic-api", to_revision=1).run(act(kube))
    assert (done.from_revision, done.to_revision, (await top(PLACE))["image"]) == (3, 1, "atlantic/api:1.4.2")
    seen = await kube.deployment("production", "atlantic-api")
    assert seen.annotations["kubectl.kubernetes.io/last-applied-configuration"] == "{}"
    assert "kubernetes.io/change-cause" not in seen.annotations  # that of revision 1, which has none
    assert "pod-template-hash" not in seen.template["metadata"]["labels"]


@pytest.mark.parametrize(
    ("merge", "step", "words"),
    [
        ({"spec": {"paused": True}}, STEP, "is paused"),
        ({}, RolloutUndo(namespace="production", deployment="atlantic-api", to_revision=9), "does not keep revision 9"),
        ({}, RolloutUndo(namespace="production", deployment="atlantic-api", to_revision=2), "is at revision 2 already"),
        ({}, RolloutUndo(namespace="production", deployment="samia-tarot-app"), "does not keep an earlier revision"),
        ({}, STEP.model_copy(update={"from_revision": 7}), "not at 7"),
    ],
)
async def test_it_refuses_when_it_cannot_or_need_not(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any, merge: Any, step: RolloutUndo, words: str
) -> None:
    await sb.kube("change", resource="deployments", namespace="production", name="atlantic-api", merge=merge)
    for call in (step.plan(world(kube)), step.run(act(kube))):
        with pytest.raises(Refused, match=words):
            await call
    assert await effects("kubernetes", PATCH) == 0


async def test_verify_is_not_fooled(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    await sb.settings(kubernetes_observe_seconds=30.0, kubernetes_pod_seconds=30.0, kubernetes_deadline_seconds=90.0)
    done = await STEP.run(act(kube))
    look = await STEP.verify(world(kube), done)
    assert look.ok is None and "has not seen" in look.text  # 3 of 3 available: of what was before
    with pytest.raises(Refused, match="a moment ago"):
        await STEP.plan_undo(world(kube), done)
    await sb.kube("break", image="atlantic/api:1.4.2", reason="CrashLoopBackOff")
    await sb.kube("skip")
    look = await STEP.verify(world(kube), done)
    assert look.ok is False and "CrashLoopBackOff" in look.text
    await sb.kube("deploy", **BAD)
    look = await STEP.verify(world(kube), done)
    assert look.ok is False and "another pod template" in look.text


@pytest.mark.parametrize("mode", ["timeout_after", "close_after"])
async def test_a_lost_answer_that_happened_is_seen_to_have_happened(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any, mode: str
) -> None:
    await sb.fail("kubernetes", PATCH, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(kube))
    found = await STEP.reconcile(world(kube))
    assert found.happened and isinstance(found.outputs, RolledBack) and found.outputs.from_revision == 2
    assert (await STEP.verify(world(kube), found.outputs)).ok
    assert await effects("kubernetes", PATCH) == 1


async def test_what_never_arrived_is_not_said_to_have_happened(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any
) -> None:
    await sb.fail("kubernetes", PATCH, "reset")
    with pytest.raises(Uncertain):
        await STEP.run(act(kube))
    with pytest.raises(NotYet, match="under way"):
        await STEP.reconcile(world(kube))
    late = await STEP.reconcile(world(kube, later_s=SETTLED_S + 1))
    assert late.happened is False and await effects("kubernetes", PATCH) == 0
    done = await STEP.run(act(kube, key="somebody else's"))
    assert done.images and (await STEP.reconcile(world(kube, later_s=SETTLED_S + 1))).happened is False


async def test_throttled_denied_and_overtaken_did_not_happen(
    act: Any, kube: Kubernetes, sb: SandboxClient, effects: Any
) -> None:
    for mode, error in (("429", Temporary), ("error:Forbidden", Refused)):
        await sb.fail("kubernetes", PATCH, mode)
        with pytest.raises(error):
            await STEP.run(act(kube))
    assert await effects("kubernetes", PATCH) == 0
    assert (await STEP.verify_undo(act(kube), RolledBack())).ok  # a person's word: only the rollout can be looked at
    with pytest.raises(Refused, match="is not known"):
        await STEP.plan_undo(act(kube), RolledBack())
