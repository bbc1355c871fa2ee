"""The Kubernetes connector on the wire: which cluster, asked once, conditional changes, and what errors mean."""

from __future__ import annotations

import copy
import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.client import SandboxClient
from playbooks.action import Risk, Where, load_actions
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads
from playbooks.connectors.kubernetes_shapes import digest_of, quantity, to_deployment, to_pod
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.secrets import SecretRef

PLACE = ("production", "atlantic-api")
PATCH = "patch deployments"


async def test_clusters_by_name_and_by_the_steps_site(kubernetes: Kubernetes, sb: SandboxClient) -> None:
    assert await kubernetes.version() == "v1.33.1"
    assert (await kubernetes.cluster(), await kubernetes.clusters()) == ("sandbox", ("sandbox", "stranger"))
    with pytest.raises(Refused, match="no cluster nowhere") as no:
        await kubernetes.deployment(*PLACE, "nowhere")
    assert "sandbox, stranger" in no.value.todo
    there = kubernetes.bound(Where("INC-7/3 röllback", Risk.WRITE, {"cluster": "stranger"}))
    assert await there.cluster() == "stranger" and await there.cluster("sandbox") == "sandbox"
    with pytest.raises(ServiceRefused, match="Unauthorized") as refused:
        await there.version()
    assert "token" in refused.value.todo
    calls = await sb.calls("kubernetes", "get version")
    assert [call["status"] for call in calls] == [200, 401]
    assert await kubernetes.own_namespace() == ""


async def test_a_broken_kubeconfig_is_said_and_nothing_is_sent(tmp_path: Path) -> None:
    for text in ("", "{}", "contexts: [", json.dumps({"contexts": [], "current-context": "x"})):
        (tmp_path / "config").write_text(text)
        reads = KubernetesReads(str(tmp_path / "config"))
        with pytest.raises(Refused, match="KUBECONFIG"):
            await reads.version()
        await reads.close()
    lonely = KubernetesReads()
    with pytest.raises(Refused, match="sign in to the cluster in-cluster"):
        await lonely.version()
    await lonely.close()


async def test_what_is_read(kubernetes: Kubernetes, sb: SandboxClient) -> None:
    top = await kubernetes.deployment(*PLACE)
    assert (top.replicas, top.revision, top.missing, top.selector) == (3, 2, 0, "app=api")
    assert top.rollout().done and top.rollout().text == "3 of 3 pods available"
    old, new = await kubernetes.revisions(top)
    assert (old.number, old.images, new.number) == (1, ("atlantic/api:1.4.2",), 2)
    assert digest_of(new.template) == digest_of(top.template) != digest_of(old.template)
    assert {pod.owner for pod in await kubernetes.pods(node="node-a")} == {"DaemonSet", "ReplicaSet"}
    pods = await kubernetes.pods("production", "app=api")
    assert len(pods) == 3 and all(pod.ready and pod.state == "Running" for pod in pods)
    assert "listening" in await kubernetes.log(pods[0], container="api", tail=1)
    assert await kubernetes.autoscaler(top) is None
    usage = await kubernetes.pod_usage("production")
    assert usage and (usage[0].cpu, usage[0].memory) == (0.12, 256 * 2**20)
    await sb.kube("metrics", on=False)
    assert await kubernetes.node_usage() is None
    with pytest.raises(ServiceRefused, match="NotFound"):
        await kubernetes.deployment("production", "none")


async def test_long_lists_come_in_parts(kubernetes: Kubernetes, sandbox: Any, sb: SandboxClient) -> None:
    for number in range(520):
        row = {"type": "Warning", "reason": "Failed", "message": "m", "count": 2,
               "involvedObject": {"kind": "Pod", "name": "p"}, "lastTimestamp": f"2026-01-01T00:00:00.{number:03}Z"}  # fmt: skip
        sandbox.kubernetes.store.create(
            "events", {"metadata": {"name": f"e{number}", "namespace": "production"}, **row}
        )
    warnings = await kubernetes.warnings("production")
    assert len(warnings) == 520 and warnings[0] == "Pod p: Failed (2x) m"
    assert len(await sb.calls("kubernetes", "list events")) == 2


async def test_a_change_of_what_was_changed_meanwhile_is_refused(kubernetes: Kubernetes, sb: SandboxClient) -> None:
    seen = await kubernetes.deployment(*PLACE)
    await kubernetes.set_replicas(seen, 4, {"key": "a"})
    assert (await kubernetes.deployment(*PLACE)).change == {"key": "a"}
    old = (await kubernetes.revisions(seen))[0]
    for late in (
        kubernetes.set_replicas(seen, 5, {"key": "b"}),
        kubernetes.set_template(seen, old, old.template, {"key": "b"}),
        kubernetes.restart(seen, "2026-01-01T00:00:00Z", {"key": "b"}),
    ):
        with pytest.raises(ServiceRefused, match="changed by something else"):
            await late
    config = await kubernetes.config_map("production", "app-config")
    await sb.kube(
        "change", resource="configmaps", namespace="production", name="app-config", merge={"data": {"A": "1"}}
    )
    with pytest.raises(ServiceRefused, match="Conflict"):
        await kubernetes.patch_config_map(config, {"A": "2"}, {"key": "b"})
    assert (await kubernetes.deployment(*PLACE)).change == {"key": "a"}


async def test_only_this_very_pod_leaves_and_only_its_own_revisions_count(kubernetes: Kubernetes, sandbox: Any) -> None:
    (pod, *_) = await kubernetes.pods("production", "app=api")
    assert await kubernetes.evict(replace(pod, uid="of one that had this name before")) == ""
    assert pod.uid in {one.uid for one in await kubernetes.pods("production", "app=api")}
    store = sandbox.kubernetes.store
    stranger = copy.deepcopy(store.find("replicasets", "production", (await kubernetes.revisions(
        await kubernetes.deployment(*PLACE)))[0].name))  # fmt: skip
    stranger["metadata"] |= {"name": "stranger", "ownerReferences": [{"kind": "Deployment", "name": "x", "uid": "x"}]}
    store.create("replicasets", stranger)
    assert len(await kubernetes.revisions(await kubernetes.deployment(*PLACE))) == 2


async def test_a_secret_is_revealed_on_the_way_and_never_repeated(
    kubernetes: Kubernetes, sb: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_DSN", "postgresql://u:geheim@h/d")
    values = {"DATABASE_URL": SecretRef("env://OTHER_DSN")}
    config = await kubernetes.config_map("production", "app-config")
    assert await kubernetes.differing(config, values) == ("DATABASE_URL",)
    await sb.fail("kubernetes", "patch configmaps", "error:postgresql://u:geheim@h/d")
    with pytest.raises(ServiceRefused) as no:
        await kubernetes.patch_config_map(config, values, {})
    assert "planned" not in str(no.value)
    await kubernetes.patch_config_map(config, values, {})
    assert await kubernetes.differing(await kubernetes.config_map("production", "app-config"), values) == ()


@pytest.mark.parametrize(
    ("mode", "read", "write"),
    [
        ("429", Temporary, Temporary), ("500", Temporary, Uncertain), ("503", Temporary, Uncertain),
        ("504", Temporary, Uncertain), ("reset", Temporary, Uncertain), ("close_after", Temporary, Uncertain),
        ("error:Forbidden", ServiceRefused, ServiceRefused), ("error:Conflict", ServiceRefused, ServiceRefused),
    ],
)  # fmt: skip
async def test_what_an_error_means(
    kubernetes: Kubernetes, sb: SandboxClient, mode: str, read: type[Exception], write: type[Exception]
) -> None:
    seen = await kubernetes.deployment(*PLACE)
    await sb.fail("kubernetes", "get deployments", mode, retry_after=7)
    await sb.fail("kubernetes", PATCH, mode, retry_after=7)
    with pytest.raises(read) as looked:
        await kubernetes.deployment(*PLACE)
    with pytest.raises(write):
        await kubernetes.set_replicas(seen, 4, {})
    assert getattr(looked.value, "retry_after", None) == (7.0 if mode == "429" else None)
    assert [len(await sb.calls("kubernetes", name)) for name in ("get deployments", PATCH)] == [2, 1]  # asked once


async def test_silence_ends_by_itself_and_a_closed_port_was_not_asked(
    kubernetes: Kubernetes, sb: SandboxClient, closed_port: int, env: dict[str, str], tmp_path: Path
) -> None:
    seen = await kubernetes.deployment(*PLACE)
    await sb.fail("kubernetes", PATCH, "timeout_before")
    began = time.monotonic()
    with pytest.raises(Uncertain):
        await kubernetes.set_replicas(seen, 4, {})
    assert time.monotonic() - began < 20
    config = json.loads(Path(env["KUBECONFIG"]).read_text())
    config["clusters"][0]["cluster"]["server"] = f"http://127.0.0.1:{closed_port}"
    (tmp_path / "config").write_text(json.dumps(config))
    nobody = Kubernetes(str(tmp_path / "config"))
    with pytest.raises(Temporary, match="nothing was done"):
        await nobody.set_replicas(seen, 4, {})
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{env['SANDBOX_URL'].rsplit(':', 1)[1]}"
    (tmp_path / "config").write_text(json.dumps(config))
    plain = Kubernetes(str(tmp_path / "config"))
    with pytest.raises(Refused, match="not asked"):
        await plain.set_replicas(seen, 4, {})
    await nobody.close()
    await plain.close()


async def test_an_answer_that_is_cut_off_says_nothing(aiohttp_url: Any, env: dict[str, str], tmp_path: Path) -> None:
    agents = []

    async def reply(request: web.Request) -> web.Response:
        agents.append(request.headers["User-Agent"])
        return web.Response(text='{"metadata": {"na', content_type="application/json")

    config = json.loads(Path(env["KUBECONFIG"]).read_text())
    config["clusters"][0]["cluster"]["server"] = await aiohttp_url("/{path:.*}", reply)
    (tmp_path / "config").write_text(json.dumps(config))
    reads = KubernetesReads(str(tmp_path / "config"))
    with pytest.raises(Temporary, match="cut off"):
        await reads.bound(Where("INC-7/3 röllback", Risk.WRITE)).node("node-a")
    assert agents == ["muster/INC-7/3 r-llback"]  # what the API server's audit log says of it
    await reads.close()


def test_the_documented_role_allows_what_actions_need_and_no_more() -> None:
    text = (Path(__file__).parents[3] / "docs/kubernetes.md").read_text(encoding="utf-8")
    rules = re.findall(r"apiGroups: \[(.*?)\], resources: \[(.*?)\], verbs: \[(.*?)\]", text)
    allowed = {
        f"kubernetes:{'metrics' if group.startswith('metrics') else what.replace('/', '.')}.{verb}"
        for group, whats, verbs in rules for what in whats.split(", ") for verb in verbs.split(", ")
    }  # fmt: skip
    actions = {name: one for name, one in load_actions().items() if name.startswith("kubernetes.")}
    assert allowed == {need for one in actions.values() for need in one.needs}
    assert all(f"`{name}`" in text for name in actions)


def test_shapes_that_the_stand_in_does_not_have() -> None:
    assert [quantity(value) for value in ("250m", "1Gi", "5e2", 2, "1500000n")] == [0.25, 2**30, 500, 2, 0.0015]
    raw: Any = {
        "metadata": {"namespace": "n", "name": "d", "uid": "u", "generation": 3},
        "spec": {"strategy": {"type": "Recreate"}, "replicas": 4, "template": {"spec": {"containers": []}},
                 "selector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["x", "y"]},
                                                   {"key": "b", "operator": "DoesNotExist"}]}},
    }  # fmt: skip
    seen = to_deployment(raw)
    assert (seen.missing, seen.selector, seen.revision, seen.change) == (4, "a in (x,y),!b", 0, {})
    assert seen.rollout().done is None and "not seen" in seen.rollout().text
    status = {"observedGeneration": 3, "replicas": 5, "updatedReplicas": 4, "availableReplicas": 3}
    assert to_deployment({**raw, "status": status}).rollout().text == "1 old pods still there"
    assert to_deployment({**raw, "status": {**status, "replicas": 4}}).rollout().text.startswith("3 of 4 updated")
    pod = to_pod({
        "metadata": {"namespace": "n", "name": "p", "uid": "u", "annotations": {"kubernetes.io/config.mirror": "x"}},
        "spec": {"volumes": [{"emptyDir": {}}]}, "status": {"phase": "Succeeded"},
    })  # fmt: skip
    assert (pod.mirror, pod.local, pod.ended, pod.owner, pod.state) == (True, True, True, "", "Succeeded")
