"""The control plane, stood in for: what it refuses, in whose words, and that rollouts take time and may fail."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.kubernetes.api import TOKEN
from bot.sandbox.kubernetes.patches import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, patched
from bot.sandbox.kubernetes.store import Refusal

API = "/apis/apps/v1/namespaces/production/deployments/atlantic-api"
CORE = "/api/v1/namespaces/production"


@pytest.fixture
async def kube(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks as kubectl with the sandbox's kubeconfig would."""
    config = json.loads(Path(sandbox.env()["KUBECONFIG"]).read_text())
    server, token = config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"]
    async with httpx.AsyncClient(base_url=server, headers={"Authorization": f"Bearer {token}"}) as http:
        yield http


async def patch(kube: httpx.AsyncClient, path: str, body: Any, kind: str = STRATEGIC_PATCH, **query: str) -> Any:
    """The answer to a PATCH, with its status beside it."""
    answer = await kube.patch(path, content=json.dumps(body), headers={"Content-Type": kind}, params=query)
    return {**answer.json(), "http": answer.status_code}


async def test_who_is_let_in_and_what_there_is_not(kube: httpx.AsyncClient, sb: SandboxClient) -> None:
    stranger = await kube.get(API, headers={"Authorization": "Bearer nobody"})
    assert stranger.status_code == 401 and stranger.json()["reason"] == "Unauthorized"
    await sb.kube("role", deny=["patch deployments"])
    no = await patch(kube, API, {"spec": {"replicas": 5}})
    assert no["http"] == 403 and 'cannot patch resource "deployments" in API group "apps"' in no["message"]
    for path in ("/apis/apps/v1/namespaces/production/deployments/none", "/apis/none/v1/things", "/api/v1/deployments"):
        assert (await kube.get(path)).json()["reason"] == "NotFound"
    assert (await kube.get("/version")).json()["gitVersion"].startswith("v1.")
    unknown = await patch(kube, API, {}, "application/apply-patch+yaml")
    assert unknown["http"] == 403
    await sb.kube("role", allow=["patch deployments"])
    assert (await patch(kube, API, {}, "application/apply-patch+yaml"))["http"] == 415


async def test_a_stale_or_wrong_write_changes_nothing(kube: httpx.AsyncClient) -> None:
    before = (await kube.get(API)).json()
    stale = {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 9}}
    assert (await patch(kube, API, stale))["reason"] == "Conflict"
    assert (await kube.put(API, json={**before, **stale})).status_code in (409, 422)
    test = [{"op": "test", "path": "/metadata/generation", "value": 99}, {"op": "remove", "path": "/spec/replicas"}]
    assert (await patch(kube, API, test, JSON_PATCH))["http"] == 422
    for wrong in (
        {"spec": {"replicas": -1}}, {"spec": {"selector": {"matchLabels": {"app": "other"}}}},
        {"spec": {"template": {"spec": {"containers": None}}}}, {"spec": {"template": {"metadata": {"labels": None}}}},
    ):  # fmt: skip
        assert (await patch(kube, API, wrong))["http"] == 422, wrong
    numbers = await patch(kube, f"{CORE}/configmaps/app-config", {"data": {"LOG_LEVEL": 3}}, MERGE_PATCH)
    assert numbers["http"] == 400 and "cannot unmarshal" in numbers["message"]
    dry = await patch(kube, API, {"spec": {"replicas": 9}}, dryRun="All")
    assert dry["spec"]["replicas"] == 9
    assert (await kube.get(API)).json() == before


async def test_a_rollout_takes_time_and_shows_the_old_status_first(
    kube: httpx.AsyncClient, sandbox: Sandbox, sb: SandboxClient
) -> None:
    await sb.settings(kubernetes_observe_seconds=30.0, kubernetes_deadline_seconds=300.0)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "api", "image": "atlantic/api:1.6.0"}]}}}}
    told = await patch(kube, API, image)
    assert told["metadata"]["generation"] > told["status"]["observedGeneration"]
    assert told["status"]["updatedReplicas"] == 3  # of the generation before: the trap
    await sb.settings(kubernetes_observe_seconds=0.0)
    await sb.kube("skip")
    now = (await kube.get(API)).json()
    assert now["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert now["metadata"]["generation"] == now["status"]["observedGeneration"]
    sets = (
        await kube.get("/apis/apps/v1/namespaces/production/replicasets", params={"labelSelector": "app=api"})
    ).json()
    rows = {
        one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: one["spec"]["replicas"]
        for one in sets["items"]
    }
    assert rows == {"1": 0, "2": 0, "3": 3}
    assert all("pod-template-hash" in one["spec"]["template"]["metadata"]["labels"] for one in sets["items"])
    back = {"spec": {"template": {"spec": {"containers": [{"name": "api", "image": "atlantic/api:1.4.2"}]}}}}
    await patch(kube, API, back)
    await sb.kube("skip")
    again = (await kube.get(API)).json()["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
    assert again == "4"  # the old ReplicaSet, with a new number: revision 1 is gone


async def test_a_rollout_nobody_looks_at_goes_on_all_the_same(
    kube: httpx.AsyncClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deadline counts from its last progress, not from when somebody looked."""
    image = {"spec": {"template": {"spec": {"containers": [{"name": "api", "image": "atlantic/api:1.6.0"}]}}}}
    await patch(kube, API, image)
    later = time.monotonic() + 10 * sandbox.settings.kubernetes_deadline_seconds
    monkeypatch.setattr(
        "bot.sandbox.kubernetes.store.time", SimpleNamespace(**{**vars(time), "monotonic": lambda: later})
    )
    seen = (await kube.get(API)).json()["status"]
    assert {one["type"]: one["reason"] for one in seen["conditions"]}["Progressing"] == "NewReplicaSetAvailable"
    assert seen["updatedReplicas"] == seen["availableReplicas"] == seen["replicas"] == 3


async def test_a_rollout_that_never_finishes_keeps_the_old_pods(kube: httpx.AsyncClient, sb: SandboxClient) -> None:
    await sb.kube("deploy", namespace="production", name="atlantic-api", image="atlantic/api:bad", reason="OOMKilled")
    state = await sb.kube("skip")
    (top,) = (one for one in state["deployments"] if one["name"] == "atlantic-api")
    assert (top["rollout"], top["ready"]) == ("ProgressDeadlineExceeded", 3)
    (bad,) = (pod for pod in state["pods"] if pod["state"] == "CrashLoopBackOff")
    found = (await kube.get(f"{CORE}/pods/{bad['name']}")).json()["status"]["containerStatuses"][0]
    assert found["lastState"]["terminated"]["reason"] == "OOMKilled" and found["restartCount"] == 1
    said = await kube.get(f"{CORE}/pods/{bad['name']}/log", params={"previous": "true", "tailLines": "1"})
    assert said.text.endswith("FATAL out of memory\n") and said.text.count("\n") == 1
    fine = next(pod for pod in state["pods"] if "atlantic" in pod["name"] and pod["ready"])
    none = await kube.get(f"{CORE}/pods/{fine['name']}/log", params={"previous": "true"})
    assert none.status_code == 400 and "previous terminated container" in none.json()["message"]
    events = (await kube.get(f"{CORE}/events", params={"fieldSelector": "type=Warning"})).json()["items"]
    assert [event["reason"] for event in events] == ["BackOff"]


async def test_eviction_keeps_the_budget(kube: httpx.AsyncClient, sb: SandboxClient) -> None:
    listed = (await kube.get(f"{CORE}/pods", params={"labelSelector": "app=samia-tarot-app", "limit": "2"})).json()
    assert len(listed["items"]) == 2 and listed["metadata"]["continue"]
    first, second = listed["items"]

    async def evict(pod: Any, uid: str | None = None) -> httpx.Response:
        body = {"metadata": {"name": pod["metadata"]["name"]}, "deleteOptions": {"preconditions": {"uid": uid}}}
        return await kube.post(f"{CORE}/pods/{pod['metadata']['name']}/eviction", json=body)

    assert (await evict(first, "another")).status_code == 409
    await sb.settings(kubernetes_pod_seconds=30.0)
    assert (await evict(first, first["metadata"]["uid"])).status_code == 201
    held = await evict(second)
    assert held.status_code == 429 and held.json()["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert (await evict(first)).status_code == 404


async def test_nodes_metrics_and_faults(kube: httpx.AsyncClient, sb: SandboxClient) -> None:
    await sb.kube("fill", node="node-b")
    usage = (await kube.get("/apis/metrics.k8s.io/v1beta1/nodes")).json()["items"]
    assert {row["metadata"]["name"]: row["usage"]["cpu"] for row in usage}["node-b"] == "3880000000n"
    await sb.kube("metrics", on=False)
    assert (await kube.get("/apis/metrics.k8s.io/v1beta1/nodes")).status_code == 404
    await patch(kube, "/api/v1/nodes/node-b", {"spec": {"unschedulable": True}})
    assert not next(n for n in (await sb.kubernetes())["nodes"] if n["name"] == "node-b")["schedulable"]
    await sb.fail("kubernetes", "list nodes", "429", retry_after=3)
    busy = await kube.get("/api/v1/nodes")
    assert (busy.status_code, busy.headers["Retry-After"]) == (429, "3")
    await sb.fail("kubernetes", "*", "error:Forbidden")
    assert (await kube.get("/api/v1/nodes")).status_code == 403
    assert TOKEN not in json.dumps(await sb.calls("kubernetes"))


def test_a_strategic_patch_merges_lists_by_their_key() -> None:
    old = {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}], "args": ["x"]}
    new = {"containers": [{"name": "a", "image": "2"}, {"name": "b", "$patch": "delete"}], "args": ["y"]}
    assert patched(STRATEGIC_PATCH, old, new) == {"containers": [{"name": "a", "image": "2"}], "args": ["y"]}
    assert patched(MERGE_PATCH, old, {"containers": []}) == {"containers": [], "args": ["x"]}
    moved = patched(
        JSON_PATCH, old, [{"op": "add", "path": "/args/-", "value": "z"}, {"op": "remove", "path": "/containers/0"}]
    )
    assert moved == {"containers": [{"name": "b", "image": "1"}], "args": ["x", "z"]} and len(old["containers"]) == 2
    with pytest.raises(Refusal):
        patched(JSON_PATCH, old, [{"op": "replace", "path": "/none/0", "value": 1}])
