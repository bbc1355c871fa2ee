"""What Kubernetes says, in the few fields that are used: deployments, revisions, pods, nodes, config maps, usage.

Belongs here: shapes, reading them from JSON, and what the fields of a rollout mean together (contract E3). Does not
belong here: calls (kubernetes.py). Numbers the API server leaves out are 0.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
CHANGE = "muster/last-change"  # our annotation: which attempt changed this last, and what was there before
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Rollout:
    """How far a rollout is. done True: every pod is of the newest template and available; False: it has failed."""

    done: bool | None
    text: str


@dataclass(frozen=True)
class Deployment:
    """A deployment. replicas: wanted; total, updated, ready, available: pods there are. missing: maxUnavailable as a
    number. change: what Muster's last change noted. template, annotations: as JSON.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    observed: int
    replicas: int
    total: int
    updated: int
    ready: int
    available: int
    paused: bool
    revision: int
    strategy: str
    missing: int
    selector: str
    images: tuple[str, ...]
    template: Json
    annotations: Mapping[str, str]
    failure: str

    @property
    def place(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    @property
    def change(self) -> Json:
        """What Muster noted with its last change: {"key": ..., ...}; {} without."""
        return noted(self.annotations)

    def rollout(self) -> Rollout:
        """Whether it is rolled out, as `kubectl rollout status` tells it."""
        if self.observed < self.generation:
            return Rollout(None, "the controller has not seen the change yet")
        if self.failure:
            return Rollout(False, f"{self.failure} ({self.available} of {self.replicas} available)")
        if self.updated < self.replicas:
            return Rollout(None, f"{self.updated} of {self.replicas} pods updated")
        if self.total > self.updated:
            return Rollout(None, f"{self.total - self.updated} old pods still there")
        if self.available < self.updated:
            return Rollout(None, f"{self.available} of {self.updated} updated pods available")
        return Rollout(True, f"{self.available} of {self.replicas} pods available")


@dataclass(frozen=True)
class Revision:
    """A ReplicaSet of a deployment. cause: kubernetes.io/change-cause, "" without; made: when (RFC 3339), which stays
    when it is gone back to."""

    name: str
    number: int
    images: tuple[str, ...]
    template: Json
    annotations: Mapping[str, str]
    cause: str
    made: str = ""


@dataclass(frozen=True)
class Pod:
    """A pod. state: its phase, or why a container waits or ended (CrashLoopBackOff). last: why one ended before
    (OOMKilled), "" if none did. owner: kind of its controller, "" without. local: whether it keeps data on its node.
    """

    namespace: str
    name: str
    uid: str
    node: str
    state: str
    ready: bool
    restarts: int
    last: str
    owner: str
    local: bool
    mirror: bool
    ended: bool
    leaving: bool
    containers: tuple[str, ...]

    @property
    def place(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Node:
    """A node. trouble: conditions that are not as they should be ("DiskPressure"). cpu: cores; memory: bytes."""

    name: str
    ready: bool
    schedulable: bool
    trouble: tuple[str, ...]
    cpu: float
    memory: int
    annotations: Mapping[str, str]

    @property
    def change(self) -> Json:
        """As of a deployment."""
        return noted(self.annotations)


@dataclass(frozen=True)
class ConfigMap:
    """A config map. version: its resourceVersion."""

    namespace: str
    name: str
    version: str
    data: Mapping[str, str]
    immutable: bool
    annotations: Mapping[str, str]

    @property
    def change(self) -> Json:
        """As of a deployment."""
        return noted(self.annotations)


@dataclass(frozen=True)
class Usage:
    """What something uses now. cpu: cores; memory: bytes."""

    namespace: str
    name: str
    cpu: float
    memory: int


@dataclass(frozen=True)
class Autoscaler:
    """What sets a deployment's replicas by itself."""

    name: str
    least: int
    most: int


@dataclass(frozen=True)
class NetworkRule:
    """A network policy. allows: whether it lets anything through."""

    namespace: str
    name: str
    uid: str
    allows: bool
    change: Json


def to_deployment(raw: Json) -> Deployment:
    """One of apps/v1."""
    meta, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    annotations = meta.get("annotations") or {}
    wanted = int(spec.get("replicas", 1))
    strategy = spec.get("strategy") or {}
    rolling = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    stuck = [one for one in status.get("conditions") or ()
             if (one["type"], one.get("reason")) == ("Progressing", "ProgressDeadlineExceeded")]  # fmt: skip
    return Deployment(
        namespace=meta["namespace"], name=meta["name"], uid=meta["uid"], generation=int(meta.get("generation") or 0),
        observed=int(status.get("observedGeneration") or 0), replicas=wanted, total=int(status.get("replicas") or 0),
        updated=int(status.get("updatedReplicas") or 0), ready=int(status.get("readyReplicas") or 0),
        available=int(status.get("availableReplicas") or 0), paused=bool(spec.get("paused")),
        revision=_number(annotations.get(REVISION)), strategy=str(strategy.get("type") or "RollingUpdate"),
        missing=wanted if strategy.get("type") == "Recreate" else _share(rolling, wanted),
        selector=_selector(spec.get("selector") or {}), images=_images(spec["template"]), template=spec["template"],
        annotations=annotations, failure=str(stuck[0].get("message") or stuck[0]["reason"]) if stuck else "",
    )  # fmt: skip


def to_revision(raw: Json) -> Revision:
    """A ReplicaSet of a deployment."""
    annotations = raw["metadata"].get("annotations") or {}
    template = raw["spec"]["template"]
    cause = str(annotations.get("kubernetes.io/change-cause") or "")
    name = str(raw["metadata"]["name"])
    made = str(raw["metadata"].get("creationTimestamp") or "")
    return Revision(name, _number(annotations.get(REVISION)), _images(template), template, annotations, cause, made)


def to_pod(raw: Json) -> Pod:
    """One of v1."""
    meta, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    rows = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    whys = [why for row in rows for why in _whys(row.get("state") or {})]
    ends = [(row.get("lastState") or {}).get("terminated") or {} for row in rows]
    owners = [one["kind"] for one in meta.get("ownerReferences") or () if one.get("controller")]
    return Pod(
        namespace=meta["namespace"], name=meta["name"], uid=meta["uid"], node=str(spec.get("nodeName") or ""),
        state=whys[0] if whys else str(status.get("phase") or "Unknown"),
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ()),
        restarts=sum(int(row.get("restartCount") or 0) for row in rows),
        last=next((str(end["reason"]) for end in ends if end.get("reason")), ""), owner=owners[0] if owners else "",
        local=any("emptyDir" in volume for volume in spec.get("volumes") or ()),
        mirror="kubernetes.io/config.mirror" in (meta.get("annotations") or {}),
        ended=status.get("phase") in ("Succeeded", "Failed"), leaving=bool(meta.get("deletionTimestamp")),
        containers=tuple(one["name"] for one in spec.get("containers") or ()),
    )  # fmt: skip


def to_node(raw: Json) -> Node:
    """One of v1."""
    conditions = {one["type"]: one["status"] for one in (raw.get("status") or {}).get("conditions") or ()}
    there = (raw.get("status") or {}).get("allocatable") or {}
    cpu, memory = quantity(there.get("cpu", 0)), round(quantity(there.get("memory", 0)))
    trouble = tuple(name for name, status in conditions.items() if name != "Ready" and status != "False")
    return Node(
        raw["metadata"]["name"], conditions.get("Ready") == "True", not raw["spec"].get("unschedulable"), trouble,
        cpu, memory, raw["metadata"].get("annotations") or {},
    )  # fmt: skip


def to_config_map(raw: Json) -> ConfigMap:
    """One of v1."""
    meta = raw["metadata"]
    return ConfigMap(meta["namespace"], meta["name"], str(meta["resourceVersion"]), raw.get("data") or {},
                     bool(raw.get("immutable")), meta.get("annotations") or {})  # fmt: skip


def to_rule(raw: Json) -> NetworkRule:
    """One of networking.k8s.io/v1."""
    meta, spec = raw["metadata"], raw.get("spec") or {}
    allows = bool(spec.get("ingress") or spec.get("egress"))
    return NetworkRule(meta["namespace"], meta["name"], meta["uid"], allows, noted(meta.get("annotations") or {}))


def to_usage(raw: Json) -> Usage:
    """One of metrics.k8s.io/v1beta1: a node, or a pod as the sum of its containers."""
    rows = [raw["usage"]] if "usage" in raw else [one["usage"] for one in raw.get("containers") or ()]
    cpu, memory = (sum(quantity(row.get(kind, 0)) for row in rows) for kind in ("cpu", "memory"))
    return Usage(raw["metadata"].get("namespace") or "", raw["metadata"]["name"], cpu, round(memory))


def template_of(template: Json) -> dict[str, Any]:
    """A pod template without what controllers add to it."""
    meta = {k: v for k, v in (template.get("metadata") or {}).items() if k != "creationTimestamp"}
    if "labels" in meta:
        meta["labels"] = {k: v for k, v in meta["labels"].items() if k != HASH}
    return {**template, "metadata": meta}


def digest_of(template: Json) -> str:
    """Twelve hex digits that are the same for the same pod template."""
    return hashlib.sha256(json.dumps(template_of(template), sort_keys=True).encode()).hexdigest()[:12]


def noted(annotations: Mapping[str, str]) -> Json:
    """Muster's own note on an object; {} where there is none that can be read."""
    try:
        found = json.loads(annotations.get(CHANGE) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def quantity(value: Any) -> float:
    """ "250m", "1024Ki", "3880000000n" or 4 as a number."""
    text = str(value)
    for end, times in {"n": 1e-9, "u": 1e-6, "m": 1e-3, **UNITS}.items():
        if text.endswith(end):
            return float(text.removesuffix(end)) * times
    return float(text or 0)


def _number(text: Any) -> int:
    return int(text) if str(text or "").isdigit() else 0


def _share(value: Any, total: int) -> int:
    return total * int(value[:-1]) // 100 if isinstance(value, str) and value.endswith("%") else int(value)


def _images(template: Json) -> tuple[str, ...]:
    return tuple(str(one.get("image") or "") for one in (template.get("spec") or {}).get("containers") or ())


def _whys(state: Json) -> list[str]:
    """Why a container does not run, as kubectl's STATUS column says it."""
    why = (state.get("waiting") or {}).get("reason") or (state.get("terminated") or {}).get("reason")
    return [str(why)] if why and why != "Completed" else []


def _selector(selector: Json) -> str:
    """A selector object as a query."""
    parts = [f"{k}={v}" for k, v in (selector.get("matchLabels") or {}).items()]
    for row in selector.get("matchExpressions") or ():
        values = ",".join(row.get("values") or ())
        parts.append({
            "In": f"{row['key']} in ({values})", "NotIn": f"{row['key']} notin ({values})",
            "Exists": row["key"], "DoesNotExist": f"!{row['key']}",
        }[row["operator"]])  # fmt: skip
    return ",".join(parts)
