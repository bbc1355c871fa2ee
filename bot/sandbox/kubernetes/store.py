"""What the control plane keeps: objects with uid, resourceVersion and generation, and what is due later.

Belongs here: storing as etcd and the API machinery do, refusals in their words, and the clock that makes rollouts take
time. Does not belong here: what controllers do with objects (``deployments.py``, ``pods.py``), HTTP (``api.py``).
"""

from __future__ import annotations

import copy
import heapq
import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str, str]  # resource, namespace ("" for cluster-wide), name

# resource -> (group, version, kind, namespaced)
RESOURCES: dict[str, tuple[str, str, str, bool]] = {
    "pods": ("", "v1", "Pod", True),
    "configmaps": ("", "v1", "ConfigMap", True),
    "events": ("", "v1", "Event", True),
    "nodes": ("", "v1", "Node", False),
    "namespaces": ("", "v1", "Namespace", False),
    "deployments": ("apps", "v1", "Deployment", True),
    "replicasets": ("apps", "v1", "ReplicaSet", True),
    "poddisruptionbudgets": ("policy", "v1", "PodDisruptionBudget", True),
    "networkpolicies": ("networking.k8s.io", "v1", "NetworkPolicy", True),
    "horizontalpodautoscalers": ("autoscaling", "v2", "HorizontalPodAutoscaler", True),
}


class Refusal(Exception):
    """The API server says no, with a Status of this code and reason."""

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details

    def status(self) -> Object:
        """The Status object the real one answers with."""
        return {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
            "reason": self.reason, "details": self.details, "code": self.code,
        }  # fmt: skip


def qualified(resource: str) -> str:
    """ "deployments.apps", as messages name it."""
    group = RESOURCES[resource][0]
    return f"{resource}.{group}" if group else resource


def conflict(resource: str, name: str, why: str) -> Refusal:
    """409: what is there is not what the request speaks of."""
    return Refusal(409, "Conflict", f'Operation cannot be fulfilled on {qualified(resource)} "{name}": {why}')


def api_version(resource: str) -> str:
    """ "apps/v1"."""
    group, version, _, _ = RESOURCES[resource]
    return f"{group}/{version}" if group else version


def stamp(at: float | None = None) -> str:
    """A time as Kubernetes writes it: UTC, whole seconds."""
    return datetime.fromtimestamp(time.time() if at is None else at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """Objects by resource, namespace and name."""

    def __init__(self) -> None:
        self.objects: dict[Key, Object] = {}
        self._version = itertools.count(1000)
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._at: float | None = None  # the moment of what happens just now
        self.ahead = 0.0  # seconds the cluster's clock is ahead of ours

    def get(self, resource: str, namespace: str, name: str) -> Object:
        """The stored object itself. Refusal NotFound."""
        found = self.objects.get((resource, namespace, name))
        if found is None:
            raise Refusal(404, "NotFound", f'{qualified(resource)} "{name}" not found', name=name, kind=resource)
        return found

    def find(self, resource: str, namespace: str, name: str) -> Object | None:
        """The stored object, or None."""
        return self.objects.get((resource, namespace, name))

    def all(self, resource: str, namespace: str = "") -> Iterator[Object]:
        """Every object of a resource (in one namespace), in the order of the keys, as etcd lists them."""
        for key in sorted(self.objects):
            if key[0] == resource and namespace in ("", key[1]):
                yield self.objects[key]

    def create(self, resource: str, obj: Object) -> Object:
        """Keep a new object. Refusal AlreadyExists."""
        meta = obj["metadata"]
        namespaced = RESOURCES[resource][3]
        key = (resource, meta["namespace"] if namespaced else "", meta["name"])
        if key in self.objects:
            words = f'{qualified(resource)} "{meta["name"]}" already exists'
            raise Refusal(409, "AlreadyExists", words, name=meta["name"], kind=resource)
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": stamp(), "resourceVersion": str(next(self._version))}
        if "spec" in obj:
            meta["generation"] = 1
        self.objects[key] = {"apiVersion": api_version(resource), "kind": RESOURCES[resource][2], **obj}
        return self.objects[key]

    def replace(self, resource: str, old: Object, new: Object) -> bool:
        """Put `new` in the place of `old`; whether anything changed. A no-op keeps its resourceVersion, as there."""
        fixed = ("uid", "creationTimestamp", "namespace", "name", "generation")
        new["metadata"] |= {name: old["metadata"][name] for name in fixed if name in old["metadata"]}
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        if new == old:
            return False
        if new.get("spec") != old.get("spec") and "generation" in old["metadata"]:
            new["metadata"]["generation"] += 1
        meta = new["metadata"]
        meta["resourceVersion"] = str(next(self._version))
        key = (resource, meta.get("namespace", "") if RESOURCES[resource][3] else "", meta["name"])
        self.objects[key] = new
        return True

    def touch(self, resource: str, obj: Object, **changes: Any) -> None:
        """A controller writes (status, annotations): a new resourceVersion, the same generation."""
        new = copy.deepcopy(obj)
        for path, value in changes.items():
            new[path] = value
        if new != obj:
            new["metadata"]["resourceVersion"] = str(next(self._version))
            obj.clear()
            obj.update(new)

    def delete(self, resource: str, obj: Object) -> None:
        """Forget an object."""
        meta = obj["metadata"]
        namespace = meta.get("namespace", "") if RESOURCES[resource][3] else ""
        self.objects.pop((resource, namespace, meta["name"]), None)

    def later(self, seconds: float, run: Callable[[], None]) -> None:
        """Have something happen by itself so many seconds from now, seen by whoever looks after that. What follows from
        something that happened counts from that moment, however much later somebody looks."""
        now = time.monotonic() if self._at is None else self._at
        heapq.heappush(self._due, (now + seconds, next(self._order), run))

    def settle(self) -> None:
        """Let everything happen that is due by now. Nothing runs in the background: nobody could see a difference."""
        for _ in range(10_000):
            if not self._due or self._due[0][0] > time.monotonic() + self.ahead:
                return
            self._at, _, run = heapq.heappop(self._due)
            try:
                run()
            finally:
                self._at = None
