"""`kubernetes.isolate_namespace`: closed by one policy, honest about others, never the cluster's own or ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.clusters import SETTLED_S
from playbooks.actions.kubernetes.isolate_namespace import POLICY, Isolated, IsolateNamespace
from playbooks.connectors import kubernetes_client
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import NotYet, Refused, Temporary, Uncertain

STEP = IsolateNamespace(namespace="production")
CREATE, DELETE = "create networkpolicies", "delete networkpolicies"
OTHER = {"resource": "networkpolicies", "namespace": "production"}
ALLOWS = {"spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}}
DONE = Isolated(namespace="production")


async def test_it_closes_and_opens(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any) -> None:
    plan = await STEP.plan(world(kube))
    assert plan.effect == "Deny all traffic into and out of namespace production (network policy muster-isolate)"
    assert plan.targets == ("kubernetes:sandbox/namespace/production",) and "network plugin" in plan.notes[0]
    assert (STEP.risk, STEP.again, STEP.undo_risk()) == (Risk.CONTAIN, Again.NEVER, Risk.RECOVERABLE)
    assert await effects("kubernetes", CREATE) == 0
    assert (await STEP.verify(world(kube), DONE)).ok is False
    assert await STEP.run(act(kube)) == DONE
    assert (await sb.kubernetes())["network_policies"] == [f"production/{POLICY}"]
    look = await STEP.verify(world(kube), DONE)
    assert look.ok and "open connections may live on" in look.text
    for call in (STEP.plan(world(kube)), STEP.run(act(kube))):
        with pytest.raises(Refused, match="already"):
            await call
    assert "is open again" in (await STEP.plan_undo(world(kube), DONE)).effect
    assert (await STEP.verify_undo(world(kube), DONE)).ok is None
    with pytest.raises(NotYet):
        await STEP.reconcile_undo(world(kube), DONE)
    await STEP.undo(act(kube), DONE)
    assert (await STEP.verify_undo(world(kube), DONE)).ok and (await STEP.reconcile_undo(world(kube), DONE)).happened
    with pytest.raises(Refused, match="nothing to take back"):
        await STEP.plan_undo(world(kube), DONE)
    assert await effects("kubernetes", DELETE) == 1


async def test_what_others_allow_is_said(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    await sb.kube("change", **OTHER, name="allow-web", merge=ALLOWS)
    await sb.kube("change", **OTHER, name="deny-more", merge={"spec": {"podSelector": {}}})
    for call in (STEP.plan(world(kube)), STEP.run(act(kube))):
        with pytest.raises(Refused, match="allow-web would still let traffic"):
            await call
    knowing = IsolateNamespace(namespace="production", leave=["allow-web"])
    assert "but what allow-web allow" in (await knowing.plan(world(kube))).effect
    await knowing.run(act(kube))
    assert (await knowing.verify(world(kube), DONE)).ok
    await sb.kube("change", **OTHER, name="allow-late", merge=ALLOWS)
    look = await knowing.verify(world(kube), DONE)
    assert look.ok is False and "allow-late let traffic through" in look.text


async def test_never_the_clusters_own_nor_ours(
    act: Any, world: Any, kube: Kubernetes, effects: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "namespace").write_text("production\n")
    monkeypatch.setattr(kubernetes_client, "OWN_NAMESPACE", tmp_path / "namespace")
    assert await kube.own_namespace() == ""  # a pod, but of another cluster than the one that is meant
    monkeypatch.setattr(kubernetes_client, "IN_CLUSTER", "sandbox")
    for step, words in (
        (STEP, "Muster itself runs in production"),
        (IsolateNamespace(namespace="kube-system"), "the cluster's own"),
        (IsolateNamespace(namespace="nowhere"), "NotFound"),
    ):
        for call in (step.plan(world(kube)), step.run(act(kube))):
            with pytest.raises(Refused, match=words):
                await call
    assert await effects("kubernetes", CREATE) == 0


async def test_a_lost_answer_is_looked_for(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any
) -> None:
    for mode, error in (("429", Temporary), ("error:Forbidden", Refused), ("reset", Uncertain)):
        await sb.fail("kubernetes", CREATE, mode)
        with pytest.raises(error):
            await STEP.run(act(kube))
    with pytest.raises(NotYet):
        await STEP.reconcile(world(kube))
    assert (await STEP.reconcile(world(kube, later_s=SETTLED_S + 1))).happened is False
    await sb.fail("kubernetes", CREATE, "timeout_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(kube))
    found = await STEP.reconcile(world(kube))
    assert found.happened and found.outputs == DONE and await effects("kubernetes", CREATE) == 1
    with pytest.raises(NotYet):  # somebody else's is not ours
        await STEP.reconcile(world(kube, key="another"))
    await sb.fail("kubernetes", DELETE, "close_after")
    with pytest.raises(Uncertain):
        await STEP.undo(act(kube), DONE)
    assert (await STEP.reconcile_undo(world(kube), DONE)).happened
