"""Kubernetes: reading (`KubernetesReads`) and acting (`Kubernetes`) through the official client (contract E3).

Belongs here: the calls, in our shapes. Every change is conditional on what was looked at (generation, resourceVersion,
uid), so that one that comes late or twice changes nothing, and leaves a note on the object saying which attempt it was.
Does not belong here: sending and sorting errors (kubernetes_client.py), shapes (kubernetes_shapes.py). `cluster` is a
context of KUBECONFIG, "" the site's or the current one. Methods raise Temporary, Refused or Uncertain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.kubernetes_client import HELD_BY_BUDGET, VENDOR, Json, KubernetesClient
from playbooks.connectors.kubernetes_shapes import (
    CHANGE,
    Autoscaler,
    ConfigMap,
    Deployment,
    NetworkRule,
    Node,
    Pod,
    Revision,
    Usage,
    to_config_map,
    to_deployment,
    to_node,
    to_pod,
    to_revision,
    to_rule,
    to_usage,
)
from playbooks.errors import Temporary
from playbooks.secrets import SecretRef, reveal

GROUPS = {
    "deployments": "/apis/apps/v1", "replicasets": "/apis/apps/v1", "networkpolicies": "/apis/networking.k8s.io/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2", "metrics": "/apis/metrics.k8s.io/v1beta1",
}  # fmt: skip
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
# What kubectl leaves as it is on the deployment when it goes back to a revision.
KEPT = (
    "kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history", "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas", "deprecated.deployment.rollback.to", CHANGE,
)  # fmt: skip
LOG_BYTES = 256 * 1024
OURS = {"fieldManager": "muster"}


class KubernetesReads(KubernetesClient):
    """What can be asked of a cluster."""

    acting = False

    async def version(self, cluster: str = "") -> str:
        """The API server's version ("v1.33.1")."""
        return str((await self._call(cluster, "GET", "/version")).get("gitVersion") or "")

    async def deployment(self, namespace: str, name: str, cluster: str = "") -> Deployment:
        """One deployment. Refused NotFound."""
        return to_deployment(await self._call(cluster, "GET", _path("deployments", namespace, name)))

    async def revisions(self, of: Deployment, cluster: str = "") -> list[Revision]:
        """The revisions that are kept, oldest first. Only ReplicaSets that belong to the deployment itself count."""
        rows = await self._all(cluster, _path("replicasets", of.namespace), {"labelSelector": of.selector})
        mine = [row for row in rows
                if any(one.get("uid") == of.uid for one in row["metadata"].get("ownerReferences") or ())]  # fmt: skip
        return sorted((to_revision(row) for row in mine), key=lambda one: one.number)

    async def autoscaler(self, of: Deployment, cluster: str = "") -> Autoscaler | None:
        """What sets this deployment's replicas by itself, None where nothing does or Muster may not know."""
        try:
            rows = await self._all(cluster, _path("horizontalpodautoscalers", of.namespace))
        except ServiceRefused:
            return None
        for row in rows:
            target = row["spec"]["scaleTargetRef"]
            if (target.get("kind"), target.get("name")) == ("Deployment", of.name):
                least, most = int(row["spec"].get("minReplicas") or 1), int(row["spec"]["maxReplicas"])
                return Autoscaler(row["metadata"]["name"], least, most)
        return None

    async def pods(self, namespace: str = "", selector: str = "", node: str = "", cluster: str = "") -> list[Pod]:
        """Pods of a namespace ("" is all of them), by label selector and by node."""
        query = {"labelSelector": selector} if selector else {}
        query |= {"fieldSelector": f"spec.nodeName={node}"} if node else {}
        rows = await self._all(cluster, _path("pods", namespace), query)
        return [to_pod(row) for row in rows]

    async def log(self, pod: Pod, *, container: str, tail: int, previous: bool = False, cluster: str = "") -> str:
        """The last lines of a container's log; of the one before it with `previous`. Refused BadRequest without one."""
        query = {"container": container, "tailLines": tail, "limitBytes": LOG_BYTES}
        query |= {"previous": "true"} if previous else {}
        return str(await self._call(cluster, "GET", _path("pods", pod.namespace, pod.name, "log"), query, text=True))

    async def warnings(self, namespace: str, cluster: str = "") -> list[str]:
        """Events of type Warning, oldest first: "Pod api-x: BackOff (3x) back-off restarting"."""
        rows = await self._all(cluster, _path("events", namespace), {"fieldSelector": "type=Warning"})
        rows.sort(key=lambda row: str(row.get("lastTimestamp") or row.get("eventTime") or ""))
        said = []
        for row in rows:
            about, many = row.get("involvedObject") or {}, int(row.get("count") or 1)
            times = f" ({many}x)" if many > 1 else ""
            said.append(f"{about.get('kind')} {about.get('name')}: {row.get('reason')}{times} {row.get('message')}")
        return said

    async def config_map(self, namespace: str, name: str, cluster: str = "") -> ConfigMap:
        """One config map with its values. Refused NotFound."""
        return to_config_map(await self._call(cluster, "GET", _path("configmaps", namespace, name)))

    async def differing(self, config: ConfigMap, values: Mapping[str, SecretRef | str | None]) -> tuple[str, ...]:
        """Keys of which the config map holds another value. Compared here, so that no secret leaves; None: no key."""
        wanted = await self._ready(lambda: {key: _plain(value) for key, value in values.items()})
        return tuple(key for key, value in wanted.items() if config.data.get(key) != value)

    async def nodes(self, cluster: str = "") -> list[Node]:
        """Every node."""
        return [to_node(row) for row in await self._all(cluster, _path("nodes"))]

    async def node(self, name: str, cluster: str = "") -> Node:
        """One node. Refused NotFound."""
        return to_node(await self._call(cluster, "GET", _path("nodes", name=name)))

    async def node_usage(self, cluster: str = "") -> list[Usage] | None:
        """What nodes use now, None where there is no metrics server."""
        return await self._usage(cluster, f"{GROUPS['metrics']}/nodes")

    async def pod_usage(self, namespace: str, cluster: str = "") -> list[Usage] | None:
        """What a namespace's pods use now, None where there is no metrics server."""
        return await self._usage(cluster, f"{GROUPS['metrics']}/namespaces/{_word(namespace)}/pods")

    async def _usage(self, cluster: str, path: str) -> list[Usage] | None:
        try:
            rows = await self._all(cluster, path)
        except (ServiceRefused, Temporary):  # no such API, or its server is away: usage is a help, never a condition
            return None
        return [to_usage(row) for row in rows]

    async def has_namespace(self, namespace: str, cluster: str = "") -> None:
        """Refused NotFound where there is none of that name."""
        await self._call(cluster, "GET", _path("namespaces", name=namespace))

    async def network_rules(self, namespace: str, cluster: str = "") -> list[NetworkRule]:
        """The network policies of a namespace."""
        rows = await self._all(cluster, _path("networkpolicies", namespace))
        return [to_rule(row) for row in rows]


class Kubernetes(KubernetesReads):
    """What can be done in a cluster."""

    acting = True

    async def set_replicas(self, of: Deployment, replicas: int, note: Json, cluster: str = "") -> None:
        """Scale a deployment that still has the replicas that were seen."""
        await self._patch(of, [
            {"op": "test", "path": "/spec/replicas", "value": of.replicas},
            {"op": "replace", "path": "/spec/replicas", "value": replicas},
            _noting(of.annotations, note),
        ], cluster)  # fmt: skip

    async def set_template(self, of: Deployment, to: Revision, template: Json, note: Json, cluster: str = "") -> None:
        """Give a deployment, unchanged since it was seen, the pod template of a revision, as kubectl's undo does."""
        annotations = {name: value for name, value in of.annotations.items() if name in KEPT}
        annotations |= {name: value for name, value in to.annotations.items() if name not in KEPT}
        await self._patch(of, [
            {"op": "test", "path": "/metadata/generation", "value": of.generation},
            {"op": "replace", "path": "/spec/template", "value": template},
            {"op": "add", "path": "/metadata/annotations", "value": {**annotations, CHANGE: json.dumps(note)}},
        ], cluster)  # fmt: skip

    async def restart(self, of: Deployment, at: str, note: Json, cluster: str = "") -> None:
        """Replace the pods of a deployment that is unchanged since it was seen. at: RFC 3339, as kubectl writes it."""
        meta = of.template.get("metadata") or {}
        annotations = {**(meta.get("annotations") or {}), RESTARTED_AT: at}
        await self._patch(of, [
            {"op": "test", "path": "/metadata/generation", "value": of.generation},
            {"op": "add", "path": "/spec/template/metadata/annotations", "value": annotations},
            _noting(of.annotations, note),
        ], cluster)  # fmt: skip

    async def _patch(self, of: Deployment, operations: Sequence[Json], cluster: str) -> None:
        try:
            await self._call(
                cluster, "PATCH", _path("deployments", of.namespace, of.name), OURS, list(operations),
                content_type=JSON_PATCH,
            )  # fmt: skip
        except ServiceRefused as error:
            if error.code == "Invalid" and "error in our request" in error.message:
                words = f"The deployment {of.place} was changed by something else since it was looked at."
                raise ServiceRefused(VENDOR, "Conflict", f"{words} Nothing was done.", todo="Look again.") from None
            raise

    async def patch_config_map(
        self, config: ConfigMap, values: Mapping[str, SecretRef | str | None], note: Json, cluster: str = ""
    ) -> None:
        """Set keys (None removes one) of a config map that is unchanged since it was seen."""
        data = await self._ready(lambda: {key: _plain(value) for key, value in values.items()})
        body = {
            "metadata": {"resourceVersion": config.version, "annotations": {CHANGE: json.dumps(note)}},
            "data": data,
        }
        await self._call(
            cluster, "PATCH", _path("configmaps", config.namespace, config.name), OURS, body, quiet=True,
            content_type=MERGE_PATCH,
        )  # fmt: skip

    async def set_schedulable(self, node: Node, schedulable: bool, note: Json, cluster: str = "") -> None:
        """Cordon or uncordon a node. Setting what is set already changes nothing but the note."""
        body = {
            "metadata": {"annotations": {CHANGE: json.dumps(note)}},
            "spec": {"unschedulable": None if schedulable else True},
        }
        await self._call(cluster, "PATCH", _path("nodes", name=node.name), OURS, body, content_type=MERGE_PATCH)

    async def evict(self, pod: Pod, cluster: str = "") -> str:
        """Ask a pod to leave its node, within its disruption budget. "": it leaves or has left; else why it may not.

        Only this very pod is meant: another one of the same name stays.
        """
        body = {
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod.name, "namespace": pod.namespace},
            "deleteOptions": {"preconditions": {"uid": pod.uid}},
        }  # fmt: skip
        try:
            await self._call(cluster, "POST", _path("pods", pod.namespace, pod.name, "eviction"), OURS, body)
        except ServiceRefused as error:
            if error.code in ("NotFound", "Conflict"):
                return ""
            if error.code == HELD_BY_BUDGET:
                return "; ".join(str(one.get("message") or "") for one in error.details["causes"])
            raise
        return ""

    async def isolate(self, namespace: str, name: str, note: Json, cluster: str = "") -> None:
        """Create a network policy that lets nothing into or out of any pod of a namespace."""
        body = {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": name, "annotations": {CHANGE: json.dumps(note)}},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        }  # fmt: skip
        await self._call(cluster, "POST", _path("networkpolicies", namespace), OURS, body)

    async def remove_rule(self, rule: NetworkRule, cluster: str = "") -> None:
        """Delete this very network policy; one that is gone already is gone."""
        try:
            await self._call(
                cluster, "DELETE", _path("networkpolicies", rule.namespace, rule.name),
                body={"preconditions": {"uid": rule.uid}},
            )  # fmt: skip
        except ServiceRefused as error:
            if error.code != "NotFound":
                raise


def _path(resource: str, namespace: str = "", name: str = "", sub: str = "") -> str:
    """Where the API server keeps it: /apis/apps/v1/namespaces/production/deployments/api."""
    parts = [*(["namespaces", namespace] if namespace else []), resource, name, sub]
    return "/".join([GROUPS.get(resource, "/api/v1"), *(_word(part) for part in parts if part)])


def _word(text: str) -> str:
    return quote(text, safe="")


def _noting(annotations: Mapping[str, str], note: Json) -> Json:
    """The operation that leaves our note, whether there are annotations or not."""
    if annotations:
        return {"op": "add", "path": f"/metadata/annotations/{CHANGE.replace('/', '~1')}", "value": json.dumps(note)}
    return {"op": "add", "path": "/metadata/annotations", "value": {CHANGE: json.dumps(note)}}


def _plain(value: SecretRef | str | None) -> str | None:
    return reveal(value) if isinstance(value, SecretRef) else value
