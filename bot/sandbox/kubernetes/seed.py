"""The cluster the seeds speak of: `atlantic-api`, `samia-tarot-app` at two sites, `app-config`, three nodes.

Belongs here: what is there after the start. Does not belong here: how it behaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.kubernetes.deployments import REVISION
from bot.sandbox.kubernetes.store import Object, stamp

if TYPE_CHECKING:
    from bot.sandbox.kubernetes.api import Cluster

NODES = ("node-a", "node-b", "node-c")
NAMESPACES = ("default", "kube-system", "production", "production-dr")
PASSWORD_URL = "postgresql://app:sandbox-db-password@orders-db.internal:5432/app"  # what logs and outputs must not show


def template(app: str, image: str, **more: Any) -> Object:
    """A pod template with one container."""
    container: Object = {"name": app.rsplit("-", maxsplit=1)[-1], "image": image, "ports": [{"containerPort": 8080}]}
    container |= {"envFrom": [{"configMapRef": {"name": "app-config"}}]} if app == "samia-tarot-app" else {}
    spec: Object = {"containers": [container], "restartPolicy": "Always", **more}
    return {"metadata": {"labels": {"app": "api" if app == "atlantic-api" else app}}, "spec": spec}


def deployment(namespace: str, name: str, image: str, replicas: int, **spec: Any) -> Object:
    """A deployment as one would write it."""
    pods = template(name, image)
    labels = pods["metadata"]["labels"]
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels), "annotations": {}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": dict(labels)}, "template": pods, **spec},
    }  # fmt: skip


def plant(cluster: Cluster) -> None:
    """Make everything, and let it have come up before anybody looks."""
    store = cluster.store
    for name in NAMESPACES:
        store.create("namespaces", {
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}, "spec": {},
            "status": {"phase": "Active"},
        })  # fmt: skip
    for name in NODES:
        store.create("nodes", _node(name))
    _daemon(cluster)
    for namespace, replicas in (("production", 3), ("production-dr", 1)):
        url = PASSWORD_URL if namespace == "production" else PASSWORD_URL.replace("orders-db", "orders-replica")
        store.create("configmaps", {
            "metadata": {"name": "app-config", "namespace": namespace},
            "data": {"DATABASE_URL": url, "NEW_CHECKOUT": "on", "LOG_LEVEL": "info"},
        })  # fmt: skip
        cluster.deploy(deployment(namespace, "samia-tarot-app", "samia/tarot:3.2.0", replicas))
    cluster.deploy(deployment("production", "atlantic-api", "atlantic/api:1.4.2", 3))
    store.create("poddisruptionbudgets", {
        "metadata": {"name": "samia-tarot-app", "namespace": "production"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "samia-tarot-app"}}}, "status": {},
    })  # fmt: skip
    cluster.finish()
    cluster.set_image("production", "atlantic-api", "atlantic/api:1.5.0")  # so that there is a revision to go back to
    cluster.finish()
    api = store.get("deployments", "production", "atlantic-api")
    assert api["metadata"]["annotations"][REVISION] == "2"


def _node(name: str) -> Object:
    fine = [(kind, "False") for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")]
    conditions = [{"type": kind, "status": status} for kind, status in (*fine, ("Ready", "True"))]
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}, "annotations": {}},
        "spec": {},
        "status": {
            "capacity": {"cpu": "4", "memory": "16Gi", "pods": "110"},
            "allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"}, "conditions": conditions,
            "nodeInfo": {"kubeletVersion": "v1.33.1"},
        },
    }  # fmt: skip


def _daemon(cluster: Cluster) -> None:
    """One pod of a DaemonSet on each node: draining leaves those."""
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet",
             "metadata": {"name": "kube-proxy", "uid": "00000000-0000-4000-8000-00000000d5e7"}}  # fmt: skip
    for name in NODES:
        pod = template("kube-proxy", "registry.k8s.io/kube-proxy:v1.33.1", nodeName=name)
        made = cluster.pods.make(owner, "kube-system", "kube-proxy", pod)
        cluster.pods.run(made)
        assert made["spec"]["nodeName"] == name and stamp()
