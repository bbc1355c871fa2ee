"""Pods as a node and its kubelet run them: starting, crashing, logs, eviction under disruption budgets, usage.

Belongs here: single pods and nodes. Does not belong here: who makes pods and how many (``deployments.py``).
"""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any

from bot.sandbox.kubernetes.selectors import fits
from bot.sandbox.kubernetes.store import Object, Refusal, conflict, stamp

if TYPE_CHECKING:
    from bot.sandbox.kubernetes.api import Cluster

LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # what generated names are made of
GIB = 1024**3
WAITING = {"CrashLoopBackOff": "back-off 40s restarting failed container", "ImagePullBackOff": "Back-off pulling image"}


def is_ready(pod: Object) -> bool:
    """Whether its Ready condition is True."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


def ended(pod: Object) -> bool:
    """Whether it has run to its end."""
    return pod["status"]["phase"] in ("Succeeded", "Failed")


class Pods:
    """What happens to pods. ``bad_images``: image -> reason its containers fail with, from the next start on."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store = cluster.store
        self.dice = random.Random(7)  # the same names and places after every start
        self.bad_images: dict[str, str] = {}
        self.lines: dict[str, list[str]] = {}  # logs by pod uid
        self.earlier: dict[str, list[str]] = {}  # logs of the container instance before, by pod uid
        self.full: set[str] = set()  # nodes that are filled up

    def make(self, owner: Object, namespace: str, prefix: str, template: Object) -> Object:
        """A new pod of a ReplicaSet or DaemonSet, on the node with the fewest; without a node it stays Pending."""
        spec = copy.deepcopy(template["spec"])
        meta = template.get("metadata") or {}
        name = f"{prefix}-{''.join(self.dice.choices(LETTERS, k=5))}"
        reference = {
            "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True,
        }  # fmt: skip
        pod = self.store.create("pods", {
            "metadata": {
                "name": name, "namespace": namespace, "labels": dict(meta.get("labels") or {}),
                "annotations": dict(meta.get("annotations") or {}), "ownerReferences": [reference],
            },
            "spec": spec,
            "status": {"phase": "Pending", "startTime": stamp(), "conditions": [], "containerStatuses": []},
        })  # fmt: skip
        self.place(pod)
        return pod

    def place(self, pod: Object) -> None:
        """Schedule a pod, and let it become ready (or fail) after its time."""
        node = pod["spec"].get("nodeName") or self._node()
        if node is None:
            why = "0 nodes are available: node(s) were unschedulable."
            conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}]
            self.store.touch("pods", pod, status={**pod["status"], "conditions": conditions})
            return
        self.store.touch("pods", pod, spec={**pod["spec"], "nodeName": node})
        uid = pod["metadata"]["uid"]
        self.store.later(self.cluster.settings.kubernetes_pod_seconds, lambda: self._started(pod, uid))

    def _node(self) -> str | None:
        used: dict[str, int] = {}
        for pod in self.store.all("pods"):
            used[pod["spec"].get("nodeName", "")] = used.get(pod["spec"].get("nodeName", ""), 0) + 1
        free = [n["metadata"]["name"] for n in self.store.all("nodes") if not n["spec"].get("unschedulable")]
        free = [name for name in free if name not in self.full] or free
        return min(free, key=lambda name: (used.get(name, 0), name)) if free else None

    def _started(self, pod: Object, uid: str) -> None:
        found = self.store.find("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
        if found is None or found["metadata"]["uid"] != uid:
            return
        image = found["spec"]["containers"][0]["image"]
        if image in self.bad_images:
            self.crash(found, self.bad_images[image])
        else:
            self.run(found)

    def run(self, pod: Object) -> None:
        """All its containers run and are ready."""
        old = {c["name"]: c.get("restartCount", 0) for c in pod["status"].get("containerStatuses", ())}
        statuses = [
            {"name": c["name"], "image": c["image"], "ready": True, "started": True,
             "restartCount": old.get(c["name"], 0), "state": {"running": {"startedAt": stamp()}}, "lastState": {}}
            for c in pod["spec"]["containers"]
        ]  # fmt: skip
        self._status(pod, "Running", statuses, ready=True)
        lines = self.lines.setdefault(pod["metadata"]["uid"], [])
        lines.append(f"{stamp()} INFO {pod['spec']['containers'][0]['name']} listening on :8080")
        self.cluster.deployments.pods_changed(pod)

    def crash(self, pod: Object, reason: str) -> None:
        """Its first container fails: CrashLoopBackOff, OOMKilled or ImagePullBackOff."""
        first, *others = pod["spec"]["containers"]
        old: Object = next((c for c in pod["status"].get("containerStatuses", ()) if c["name"] == first["name"]), {})
        row: Object = {"name": first["name"], "image": first["image"], "ready": False, "started": False}
        if reason == "ImagePullBackOff":
            waiting = {"reason": reason, "message": f'{WAITING[reason]} "{first["image"]}"'}
            row |= {"restartCount": 0, "lastState": {}, "state": {"waiting": waiting}}
        else:
            code = 137 if reason == "OOMKilled" else 1
            ending = {"reason": reason if reason == "OOMKilled" else "Error", "exitCode": code, "finishedAt": stamp()}
            waiting = {"reason": "CrashLoopBackOff", "message": WAITING["CrashLoopBackOff"]}
            row |= {"restartCount": old.get("restartCount", 0) + 1, "lastState": {"terminated": ending}}
            row |= {"state": {"waiting": waiting}}
        rest = [{"name": c["name"], "image": c["image"], "ready": True, "restartCount": 0, "lastState": {},
                 "state": {"running": {"startedAt": stamp()}}} for c in others]  # fmt: skip
        phase = "Pending" if reason == "ImagePullBackOff" else "Running"
        self._status(pod, phase, [row, *rest], ready=False)
        uid = pod["metadata"]["uid"]
        if reason != "ImagePullBackOff":
            dying = "FATAL out of memory" if reason == "OOMKilled" else "FATAL cannot reach the database, exiting"
            self.earlier[uid] = [*self.lines.pop(uid, []), f"{stamp()} {dying}"]
            self.lines[uid] = list(self.earlier[uid])
        self.cluster.note(pod, "Warning", "BackOff" if code_of(row) else "Failed", row["state"]["waiting"]["message"])
        self.cluster.deployments.pods_changed(pod)

    def _status(self, pod: Object, phase: str, statuses: list[Object], *, ready: bool) -> None:
        conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": str(ready)}]
        status = {**pod["status"], "phase": phase, "conditions": conditions, "containerStatuses": statuses}
        self.store.touch("pods", pod, status=status)

    def remove(self, pod: Object) -> None:
        """A pod ends and is gone at once (no grace period here); its owner is told."""
        self.store.delete("pods", pod)
        self.lines.pop(pod["metadata"]["uid"], None)
        self.cluster.deployments.pods_changed(pod)

    # Logs

    def log(self, pod: Object, query: dict[str, str]) -> str:
        """The text of a container's log, or the refusal of the kubelet."""
        names = [c["name"] for c in pod["spec"]["containers"]]
        container = query.get("container") or (names[0] if len(names) == 1 else "")
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if not container:
            raise _bad(f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]")
        if container not in names:
            raise _bad(f"container {container} is not valid for pod {name}")
        status = next((c for c in pod["status"].get("containerStatuses", ()) if c["name"] == container), None)
        previous = query.get("previous") == "true"
        if previous and not (status and status["restartCount"]):
            raise _bad(f'previous terminated container "{container}" in pod "{name}" not found')
        if status is None or (not previous and not status["restartCount"] and "waiting" in status["state"]):
            why = (status or {}).get("state", {}).get("waiting", {}).get("message", "ContainerCreating")
            raise _bad(f'container "{container}" in pod "{name}" is waiting to start: {why}')
        lines = (self.earlier if previous else self.lines).get(uid, [])
        tail = int(query["tailLines"]) if "tailLines" in query else len(lines)
        text = "".join(f"{line}\n" for line in lines[max(0, len(lines) - tail) :])
        return text[: int(query["limitBytes"])] if "limitBytes" in query else text

    # Eviction

    def evict(self, pod: Object, asked: Object, *, dry: bool) -> None:
        """The eviction subresource: 429 while a disruption budget forbids it, 409 for another pod of that name."""
        uid = ((asked.get("deleteOptions") or {}).get("preconditions") or {}).get("uid")
        name = pod["metadata"]["name"]
        if uid is not None and uid != pod["metadata"]["uid"]:
            words = f"the UID in the precondition ({uid}) does not match the UID in record ({pod['metadata']['uid']})"
            raise conflict("pods", name, f"Precondition failed: {words}")
        if pod["status"]["phase"] != "Pending" and not ended(pod):
            for budget in self.store.all("poddisruptionbudgets", pod["metadata"]["namespace"]):
                if fits(budget["spec"]["selector"], pod["metadata"].get("labels") or {}):
                    self._within(budget)
        if not dry:
            self.remove(pod)

    def _within(self, budget: Object) -> None:
        meta, spec = budget["metadata"], budget["spec"]
        mine = [p for p in self.store.all("pods", meta["namespace"]) if fits(spec["selector"], p["metadata"]["labels"])]
        healthy, wanted = sum(is_ready(p) for p in mine), self.cluster.deployments.expected(mine)
        if "minAvailable" in spec:
            needed = resolved(spec["minAvailable"], wanted, up=True)
        else:
            needed = wanted - resolved(spec["maxUnavailable"], wanted, up=True)
        if healthy - needed < 1:
            words = f"The disruption budget {meta['name']} needs {needed} healthy pods and has {healthy} currently"
            raise Refusal(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.",
                          causes=[{"reason": "DisruptionBudget", "message": words}])  # fmt: skip

    # Usage

    def node_usage(self, node: Object) -> Object:
        """metrics.k8s.io: what a node uses now."""
        name = node["metadata"]["name"]
        share = 0.97 if name in self.full else 0.35
        cpu, memory = int(4_000_000_000 * share), int(16 * GIB * share) // 1024
        return {"metadata": {"name": name}, "timestamp": stamp(), "window": "20s",
                "usage": {"cpu": f"{cpu}n", "memory": f"{memory}Ki"}}  # fmt: skip

    def pod_usage(self, pod: Object) -> Object:
        """metrics.k8s.io: what a pod's containers use now."""
        rows = [{"name": c["name"], "usage": {"cpu": "120m", "memory": "256Mi"}} for c in pod["spec"]["containers"]]
        meta = pod["metadata"]
        return {"metadata": {"name": meta["name"], "namespace": meta["namespace"], "labels": meta["labels"]},
                "timestamp": stamp(), "window": "20s", "containers": rows}  # fmt: skip


def code_of(row: Object) -> int:
    """The exit code its last end left, 0 without one."""
    return int((row["lastState"].get("terminated") or {}).get("exitCode", 0))


def resolved(value: Any, total: int, *, up: bool) -> int:
    """An IntOrString ("25%" or 1) of so many."""
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total
        return -(-share // 100) if up else share // 100
    return int(value)


def _bad(words: str) -> Refusal:
    return Refusal(400, "BadRequest", words)
