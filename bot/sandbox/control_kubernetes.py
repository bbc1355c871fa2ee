"""The control API's half for Kubernetes: what the cluster looks like, and what may happen to it.

Belongs here: JSON in and out, as in ``control.py``. What it does to the cluster is in ``kubernetes/``.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from bot.sandbox.kubernetes.admission import check, defaulted
from bot.sandbox.kubernetes.deployments import REVISION
from bot.sandbox.kubernetes.patches import MERGE_PATCH, patched
from bot.sandbox.kubernetes.pods import is_ready
from bot.sandbox.kubernetes.store import Object, Refusal
from bot.sandbox.slack.elements import CannotDo

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

FAILS = ("CrashLoopBackOff", "OOMKilled", "ImagePullBackOff")


async def cluster(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """Deployments, pods, nodes, network policies and config maps, each in a few words."""
    store = sandbox.kubernetes.store
    store.settle()
    return {
        "deployments": [_deployment(one) for one in store.all("deployments")],
        "pods": [_pod(one) for one in store.all("pods")],
        "nodes": [
            {"name": one["metadata"]["name"], "schedulable": not one["spec"].get("unschedulable", False),
             "full": one["metadata"]["name"] in sandbox.kubernetes.pods.full}
            for one in store.all("nodes")
        ],
        "network_policies": [_place(one) for one in store.all("networkpolicies")],
        "config_maps": {_place(one): one.get("data", {}) for one in store.all("configmaps")},
    }  # fmt: skip


def _place(one: Object) -> str:
    return f"{one['metadata']['namespace']}/{one['metadata']['name']}"


def _deployment(one: Object) -> dict[str, Any]:
    how: Object = next((c for c in one["status"].get("conditions", ()) if c["type"] == "Progressing"), {})
    return {
        "namespace": one["metadata"]["namespace"], "name": one["metadata"]["name"],
        "replicas": one["spec"]["replicas"], "ready": one["status"].get("readyReplicas", 0),
        "revision": int((one["metadata"].get("annotations") or {}).get(REVISION, 0)),
        "image": one["spec"]["template"]["spec"]["containers"][0]["image"], "rollout": how.get("reason", ""),
    }  # fmt: skip


def _pod(one: Object) -> dict[str, Any]:
    rows = one["status"].get("containerStatuses") or ()
    waiting = [row["state"]["waiting"]["reason"] for row in rows if "waiting" in row["state"]]
    return {
        "namespace": one["metadata"]["namespace"], "name": one["metadata"]["name"],
        "node": one["spec"].get("nodeName", ""), "ready": is_ready(one),
        "state": waiting[0] if waiting else one["status"]["phase"],
        "restarts": sum(row["restartCount"] for row in rows),
    }  # fmt: skip


def _failing(asked: dict[str, Any]) -> str | None:
    reason = asked.get("reason")
    if reason is not None and reason not in FAILS:
        raise ValueError(f"no reason {reason!r}; there are {', '.join(FAILS)}")
    return reason


async def deploy(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{namespace, name, image, reason?}: somebody deploys an image; with a reason, one whose containers fail so."""
    reason = _failing(asked)
    if reason is not None:
        sandbox.kubernetes.pods.bad_images[str(asked["image"])] = reason
    return _deployment(sandbox.kubernetes.set_image(asked["namespace"], asked["name"], str(asked["image"])))


async def break_image(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{image, reason?}: containers of this image fail from the next start on; without a reason they work again."""
    reason, images = _failing(asked), sandbox.kubernetes.pods.bad_images
    if reason is None:
        images.pop(str(asked["image"]), None)
    else:
        images[str(asked["image"])] = reason
    return images


async def crash(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{namespace, name, reason, count?}: so many (all) pods of a deployment fail now, until they are replaced."""
    found, reason = sandbox.kubernetes, _failing(asked) or FAILS[0]
    found.store.settle()
    top = found.store.get("deployments", asked["namespace"], asked["name"])
    pods = [pod for rs in found.deployments.sets(top) for pod in found.deployments.pods(rs)]
    pods = pods[: int(asked.get("count") or len(pods))]
    for pod in pods:
        found.pods.crash(pod, reason)
    return [_pod(pod) for pod in pods]


async def log(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{namespace, name, lines}: every pod of a deployment writes these lines."""
    found = sandbox.kubernetes
    found.store.settle()
    top = found.store.get("deployments", asked["namespace"], asked["name"])
    pods = [pod for rs in found.deployments.sets(top) for pod in found.deployments.pods(rs)]
    for pod in pods:
        found.pods.lines.setdefault(pod["metadata"]["uid"], []).extend(str(line) for line in asked["lines"])
    return {"pods": len(pods)}


async def fill(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{node, full?}: a node's disk and memory fill up (or, full=false, are free again)."""
    found, full = sandbox.kubernetes, bool(asked.get("full", True))
    node = found.store.get("nodes", "", asked["node"])
    (found.pods.full.add if full else found.pods.full.discard)(asked["node"])
    pressed = {"DiskPressure": full, "MemoryPressure": full}
    conditions = [
        {**row, "status": str(pressed.get(row["type"], row["status"] == "True"))}
        for row in node["status"]["conditions"]
    ]  # fmt: skip
    found.store.touch("nodes", node, status={**node["status"], "conditions": conditions})
    return {"full": sorted(found.pods.full)}


async def role(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{deny?: ["patch deployments"], allow?: [...]}: what Muster's token may not do, or may again."""
    denied = sandbox.kubernetes.denied
    denied |= {(verb, what) for verb, _, what in (row.partition(" ") for row in asked.get("deny") or ())}
    denied -= {(verb, what) for verb, _, what in (row.partition(" ") for row in asked.get("allow") or ())}
    return sorted(" ".join(pair) for pair in denied)


async def change(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{resource, namespace?, name, merge}: somebody else changes an object by merge patch, or makes it."""
    found, resource, namespace = sandbox.kubernetes, str(asked["resource"]), str(asked.get("namespace") or "")
    old = found.store.find(resource, namespace, asked["name"])
    if old is None:
        new = {**asked["merge"], "metadata": {**asked["merge"].get("metadata", {}), "name": asked["name"]}}
        new["metadata"] |= {"namespace": namespace} if namespace else {}
        new = found.store.create(resource, defaulted(resource, new))
    else:
        new = defaulted(resource, patched(MERGE_PATCH, copy.deepcopy(old), asked["merge"]))
        try:
            check(resource, new, old)
        except Refusal as no:
            raise CannotDo(no.message) from None
        found.store.replace(resource, old, new)
        new = found.store.get(resource, namespace, asked["name"])
    if resource == "deployments":
        found.deployments.changed(new)
    return new


async def metrics(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{on}: whether there is a metrics server."""
    sandbox.kubernetes.metrics = bool(asked["on"])
    return {"on": sandbox.kubernetes.metrics}


async def skip(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{}: everything under way comes to its end at once; answers like ``GET kubernetes``."""
    sandbox.kubernetes.finish()
    return await cluster(sandbox, asked)


def _told(run: Callable[[Sandbox, dict[str, Any]], Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """What the API server refuses is something a person could not do either."""

    async def tell(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
        try:
            return await run(sandbox, asked)
        except Refusal as no:
            raise CannotDo(no.message) from None

    return tell


READS = {"kubernetes": cluster}
ROUTES = {
    f"kubernetes/{name}": _told(run)
    for name, run in {
        "deploy": deploy, "break": break_image, "crash": crash, "log": log, "fill": fill, "role": role,
        "change": change, "metrics": metrics, "skip": skip,
    }.items()
}  # fmt: skip
