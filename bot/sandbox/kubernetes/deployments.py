"""The deployment controller: ReplicaSets by template, rolling and recreating, revisions, and when a rollout has failed.

Belongs here: what `kube-controller-manager` does for deployments and for the pods of a DaemonSet. Does not belong here:
what a single pod does (``pods.py``). Every step takes its time (``settings.kubernetes_*``), so that whoever looks right
after a change still sees the old status: that is the trap of `observedGeneration` (contract E3).
"""

from __future__ import annotations

import copy
import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING

from bot.sandbox.kubernetes.pods import LETTERS, ended, is_ready, resolved
from bot.sandbox.kubernetes.store import Object, stamp

if TYPE_CHECKING:
    from bot.sandbox.kubernetes.api import Cluster

REVISION, HASH = "deployment.kubernetes.io/revision", "pod-template-hash"
NOT_COPIED = (REVISION, "kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/desired-replicas",
              "deployment.kubernetes.io/max-replicas", "deployment.kubernetes.io/revision-history")  # fmt: skip
HISTORY = 10  # revisionHistoryLimit where none is given


def template_hash(template: Object) -> str:
    """Ten letters that stand for a pod template."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:10])


class Deployments:
    """Brings what is there closer to what is wanted, one sync at a time."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.store = cluster, cluster.store
        self._moved: dict[str, int] = {}  # uid -> number of its last progress, for the deadline

    def changed(self, obj: Object) -> None:
        """Somebody wrote a deployment: the controller sees it a moment later."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        self.store.later(self.cluster.settings.kubernetes_observe_seconds, lambda: self.sync(*key))

    def pods_changed(self, pod: Object) -> None:
        """A pod became ready, failed or went: its deployment (or DaemonSet) is synced."""
        for owner in pod["metadata"].get("ownerReferences") or ():
            found = self.store.find("replicasets", pod["metadata"]["namespace"], owner["name"])
            if owner["kind"] == "ReplicaSet" and found is not None:
                mine = found["metadata"]["ownerReferences"][0]["name"]
                self.store.later(0.0, partial(self.sync, pod["metadata"]["namespace"], mine))

    def expected(self, pods: list[Object]) -> int:
        """How many pods the controllers of these pods want (what a disruption budget counts percentages of)."""
        wanted: dict[str, int] = {}
        for pod in pods:
            for owner in pod["metadata"].get("ownerReferences") or ():
                found = self.store.find("replicasets", pod["metadata"]["namespace"], owner["name"])
                if found is not None:
                    top = self.store.get("deployments", pod["metadata"]["namespace"],
                                         found["metadata"]["ownerReferences"][0]["name"])  # fmt: skip
                    wanted[top["metadata"]["uid"]] = top["spec"]["replicas"]
        return sum(wanted.values())

    def sets(self, deployment: Object) -> list[Object]:
        """Its ReplicaSets, oldest revision first."""
        uid, namespace = deployment["metadata"]["uid"], deployment["metadata"]["namespace"]
        mine = [rs for rs in self.store.all("replicasets", namespace)
                if any(owner["uid"] == uid for owner in rs["metadata"]["ownerReferences"])]  # fmt: skip
        return sorted(mine, key=lambda rs: int(rs["metadata"]["annotations"][REVISION]))

    def pods(self, rs: Object) -> list[Object]:
        """The live pods of a ReplicaSet."""
        uid, namespace = rs["metadata"]["uid"], rs["metadata"]["namespace"]
        return [pod for pod in self.store.all("pods", namespace) if not ended(pod)
                and any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences") or ())]  # fmt: skip

    def sync(self, namespace: str, name: str) -> None:
        """One turn of the controller for one deployment."""
        deployment = self.store.find("deployments", namespace, name)
        if deployment is None:
            return
        digest = template_hash(deployment["spec"]["template"])
        new = next((rs for rs in self.sets(deployment) if rs["metadata"]["labels"].get(HASH) == digest), None)
        before = self._counts(deployment)
        if deployment["spec"].get("paused"):
            self._scale(new or self.sets(deployment)[-1], deployment["spec"]["replicas"])
        else:
            new = self._newest(deployment, new, digest)
            self._roll(deployment, new)
        self._fill(deployment)
        if before != self._counts(deployment) or self._generation_is_new(deployment):
            self._progress(deployment)
        self._status(deployment, digest)

    def _counts(self, deployment: Object) -> list[tuple[str, int, int]]:
        rows = [(rs, self.pods(rs)) for rs in self.sets(deployment)]
        return [(rs["metadata"]["name"], len(pods), sum(map(is_ready, pods))) for rs, pods in rows]

    def _generation_is_new(self, deployment: Object) -> bool:
        return bool(deployment["status"].get("observedGeneration") != deployment["metadata"]["generation"])

    def _newest(self, deployment: Object, new: Object | None, digest: str) -> Object:
        """The ReplicaSet of the template as it is now, with the highest revision number; made when there is none."""
        sets = self.sets(deployment)
        highest = int(sets[-1]["metadata"]["annotations"][REVISION]) if sets else 0
        meta = deployment["metadata"]
        copied = {k: v for k, v in (meta.get("annotations") or {}).items() if k not in NOT_COPIED}
        if new is None:
            numbered = {**copied, REVISION: str(highest + 1)}
            template = copy.deepcopy(deployment["spec"]["template"])
            template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = digest
            owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": meta["name"], "uid": meta["uid"],
                     "controller": True}  # fmt: skip
            new = self.store.create("replicasets", {
                "metadata": {
                    "name": f"{meta['name']}-{digest}", "namespace": meta["namespace"], "ownerReferences": [owner],
                    "labels": dict(template["metadata"]["labels"]), "annotations": numbered,
                },
                "spec": {"replicas": 0, "template": template,
                         "selector": {"matchLabels": {**deployment["spec"]["selector"]["matchLabels"], HASH: digest}}},
                "status": {},
            })  # fmt: skip
        elif new is not sets[-1]:
            changed = {
                **new["metadata"],
                "annotations": {**new["metadata"]["annotations"], **copied, REVISION: str(highest + 1)},
            }
            self.store.touch("replicasets", new, metadata=changed)
        number = new["metadata"]["annotations"][REVISION]
        if (meta.get("annotations") or {}).get(REVISION) != number:
            annotations = {**(meta.get("annotations") or {}), REVISION: number}
            self.store.touch("deployments", deployment, metadata={**meta, "annotations": annotations})
        return new

    def _roll(self, deployment: Object, new: Object) -> None:
        """One move from the old ReplicaSets to the new one, within maxSurge and maxUnavailable."""
        wanted = deployment["spec"]["replicas"]
        old = [rs for rs in self.sets(deployment) if rs is not new]
        live = [pod for rs in old for pod in self.pods(rs)]
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            for rs in old:
                self._scale(rs, 0)
            self._scale(new, wanted if not live else new["spec"]["replicas"])
            return
        surge, missing = bounds(deployment)
        total = len(live) + len(self.pods(new))
        if new["spec"]["replicas"] > wanted:
            self._scale(new, wanted)
        else:
            room = max(0, wanted + surge - total)
            self._scale(new, min(wanted, new["spec"]["replicas"] + room))
        unready_new = new["spec"]["replicas"] - sum(map(is_ready, self.pods(new)))
        total = len(live) + max(len(self.pods(new)), new["spec"]["replicas"])
        spare = total - (wanted - missing) - unready_new
        broken = sum(not is_ready(pod) for pod in live)  # pods that do not serve go first
        ready = sum(map(is_ready, live)) + sum(map(is_ready, self.pods(new)))
        may = min(spare, broken + max(0, ready - (wanted - missing)))
        for rs in old:
            here = rs["spec"]["replicas"]
            take = max(0, min(may, here))
            self._scale(rs, here - take)
            may -= take
        limit = deployment["spec"].get("revisionHistoryLimit", HISTORY)
        empty = [rs for rs in old if not rs["spec"]["replicas"]]
        for rs in empty[: max(0, len(empty) - limit)]:
            self.store.delete("replicasets", rs)

    def _scale(self, rs: Object, replicas: int) -> None:
        if rs["spec"]["replicas"] != replicas:
            self.store.touch("replicasets", rs, spec={**rs["spec"], "replicas": replicas})

    def _fill(self, deployment: Object) -> None:
        """The ReplicaSet controller: pods are made and removed until the numbers are right."""
        meta = deployment["metadata"]
        for rs in self.sets(deployment):
            pods = sorted(self.pods(rs), key=is_ready)
            for pod in pods[: max(0, len(pods) - rs["spec"]["replicas"])]:
                self.cluster.pods.remove(pod)
            for _ in range(rs["spec"]["replicas"] - len(pods)):
                self.cluster.pods.make(rs, meta["namespace"], rs["metadata"]["name"], rs["spec"]["template"])

    def _progress(self, deployment: Object) -> None:
        """Something moved: the deadline starts anew."""
        uid = deployment["metadata"]["uid"]
        turn = self._moved[uid] = abs(self._moved.get(uid, 0)) + 1
        key = (deployment["metadata"]["namespace"], deployment["metadata"]["name"])

        def overdue() -> None:
            if self._moved.get(uid) == turn:
                self._moved[uid] = -turn
                self.sync(*key)

        self.store.later(self.cluster.settings.kubernetes_deadline_seconds, overdue)

    def _status(self, deployment: Object, digest: str) -> None:
        sets = self.sets(deployment)
        pods = [pod for rs in sets for pod in self.pods(rs)]
        new = [pod for pod in pods if pod["metadata"]["labels"].get(HASH) == digest]
        ready, wanted = sum(map(is_ready, pods)), deployment["spec"]["replicas"]
        done = len(new) == wanted == len(pods) == ready
        late = self._moved.get(deployment["metadata"]["uid"], 0) < 0 and not done
        # Once complete, a rollout is not judged again: pods that crash later, or that a scaling adds, change nothing.
        before = [c["reason"] for c in deployment["status"].get("conditions", ()) if c["type"] == "Progressing"]
        done = done or (len(pods) == len(new) and before == ["NewReplicaSetAvailable"])
        enough = ready >= wanted - bounds(deployment)[1]
        counts = {"replicas": len(pods), "updatedReplicas": len(new), "readyReplicas": ready,
                  "availableReplicas": ready, "unavailableReplicas": max(wanted, len(pods)) - ready}  # fmt: skip
        name, at = f"{deployment['metadata']['name']}-{digest}", stamp()
        if deployment["spec"].get("paused"):
            how = ("Unknown", "DeploymentPaused", "Deployment is paused")
        elif late:
            how = ("False", "ProgressDeadlineExceeded", f'ReplicaSet "{name}" has timed out progressing.')
        elif done:
            how = ("True", "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.')
        else:
            how = ("True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
        available = ("True", "MinimumReplicasAvailable") if enough else ("False", "MinimumReplicasUnavailable")
        self.store.touch("deployments", deployment, status={
            "observedGeneration": deployment["metadata"]["generation"],
            **{k: v for k, v in counts.items() if v},  # zeros are left out, as there
            "conditions": [
                {"type": "Available", "status": available[0], "reason": available[1], "lastUpdateTime": at},
                {"type": "Progressing", "status": how[0], "reason": how[1], "message": how[2], "lastUpdateTime": at},
            ],
        })  # fmt: skip


def bounds(deployment: Object) -> tuple[int, int]:
    """maxSurge and maxUnavailable as numbers of pods; never both 0."""
    wanted = deployment["spec"]["replicas"]
    if deployment["spec"]["strategy"]["type"] == "Recreate":
        return 0, wanted
    rolling = deployment["spec"]["strategy"]["rollingUpdate"]
    surge = resolved(rolling["maxSurge"], wanted, up=True)
    missing = resolved(rolling["maxUnavailable"], wanted, up=False)
    return surge, max(missing, 0 if surge else 1)
