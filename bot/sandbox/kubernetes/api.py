"""The API server (contract E3): paths, tokens, roles, verbs, and Status objects for everything it refuses.

Belongs here: HTTP in and out, and the cluster the parts share. Does not belong here: what an object may look like
(``admission.py``), what happens to it afterwards (``deployments.py``, ``pods.py``).
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.faults import Fault
from bot.sandbox.kubernetes import seed
from bot.sandbox.kubernetes.admission import check, defaulted
from bot.sandbox.kubernetes.deployments import Deployments
from bot.sandbox.kubernetes.patches import patched
from bot.sandbox.kubernetes.pods import Pods
from bot.sandbox.kubernetes.selectors import fits_fields, fits_query
from bot.sandbox.kubernetes.store import RESOURCES, Object, Refusal, Store, api_version, conflict, qualified, stamp
from bot.sandbox.wire import Call, retry_after

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox
    from bot.sandbox.settings import Settings

TOKEN, USER = "sandbox-kubernetes-token", "system:serviceaccount:muster:muster"
VERSION = {"major": "1", "minor": "33", "gitVersion": "v1.33.1", "platform": "linux/amd64"}
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
CODES = {
    "Unauthorized": 401, "Forbidden": 403, "NotFound": 404, "Conflict": 409, "AlreadyExists": 409, "Invalid": 422,
    "TooManyRequests": 429, "InternalError": 500, "ServiceUnavailable": 503, "Timeout": 504,
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One request, read: what of which object is wanted."""

    verb: str
    resource: str
    namespace: str
    name: str
    sub: str
    query: dict[str, str]
    content_type: str
    body: Any

    @property
    def method(self) -> str:
        """How the wire names it: "patch deployments", "create pods/eviction"."""
        return f"{self.verb} {self.resource}{'/' if self.sub else ''}{self.sub}"

    @property
    def dry(self) -> bool:
        return self.query.get("dryRun") == "All"


class Cluster:
    """One control plane. ``denied``: (verb, resource) pairs the role does not allow. ``metrics``: is there a server."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.store = Store()
        self.pods = Pods(self)
        self.deployments = Deployments(self)
        self.denied: set[tuple[str, str]] = set()
        self.metrics = True
        seed.plant(self)

    @property
    def settings(self) -> Settings:
        return self.sandbox.settings

    def finish(self) -> None:
        """Let everything that is under way come to its end at once."""
        real, self.store.ahead = self.store.ahead, float("inf")
        self.store.settle()
        self.store.ahead = real

    def deploy(self, obj: Object) -> Object:
        """A new deployment, as if somebody had applied it."""
        new = defaulted("deployments", obj)
        check("deployments", new)
        kept = self.store.create("deployments", new)
        self.deployments.changed(kept)
        return kept

    def set_image(self, namespace: str, name: str, image: str) -> Object:
        """Somebody deploys another image."""
        old = self.store.get("deployments", namespace, name)
        new = copy.deepcopy(old)
        new["spec"]["template"]["spec"]["containers"][0]["image"] = image
        self.store.replace("deployments", old, new)
        self.deployments.changed(new)
        return new

    def note(self, pod: Object, kind: str, reason: str, message: str) -> None:
        """An event about a pod; the same one again is counted."""
        meta = pod["metadata"]
        name = f"{meta['name']}.{reason.lower()}"
        old = self.store.find("events", meta["namespace"], name)
        if old is not None:
            self.store.touch("events", old, count=old["count"] + 1, lastTimestamp=stamp())
            return
        self.store.create("events", {
            "metadata": {"name": name, "namespace": meta["namespace"]}, "type": kind, "reason": reason,
            "message": message, "count": 1, "firstTimestamp": stamp(), "lastTimestamp": stamp(),
            "involvedObject": {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
        })  # fmt: skip

    # HTTP

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any path of the API server."""
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        try:
            asked = read(request, body)
        except Refusal as refusal:
            asked = Asked(request.method.lower(), request.path.strip("/"), "", "", "", {}, "", body)
            unknown: Refusal | None = refusal
        else:
            unknown = None
        shown = {"namespace": asked.namespace, "name": asked.name, "query": asked.query, "body": body}

        async def answer(call: Call) -> web.StreamResponse:
            try:
                self._let_in(request)
                if unknown is not None:
                    raise unknown
                self._allow(asked)
                self.store.settle()
                code, said = self._do(asked)
            except Refusal as refusal:
                call.error = refusal.reason
                return _said(refusal)
            if asked.dry:
                call.error = "dry run"  # nothing was carried out
            if isinstance(said, str):
                return web.Response(text=said, content_type="text/plain")
            return web.json_response(said, status=code)

        return await self.sandbox.wire.carry(request, "kubernetes", asked.method, shown, answer, refuse=_refuse)

    def _let_in(self, request: web.Request) -> None:
        if request.headers.get("Authorization", "").lower() != f"bearer {TOKEN}".lower():
            raise Refusal(401, "Unauthorized", "Unauthorized")

    def _allow(self, asked: Asked) -> None:
        resource = f"{asked.resource}/{asked.sub}" if asked.sub else asked.resource
        if (asked.verb, resource) not in self.denied:
            return
        group = RESOURCES.get(asked.resource, ("metrics.k8s.io",))[0]
        where = f' in the namespace "{asked.namespace}"' if asked.namespace else " at the cluster scope"
        what = f'{qualified(asked.resource)} "{asked.name}"' if asked.resource in RESOURCES else asked.resource
        words = f'{what} is forbidden: User "{USER}" cannot {asked.verb} resource "{resource}" in API group "{group}"'
        raise Refusal(403, "Forbidden", words + where, name=asked.name, kind=asked.resource)

    def _do(self, asked: Asked) -> tuple[int, Any]:
        if asked.resource == "version":
            return 200, VERSION
        if asked.resource.startswith("metrics/"):
            return self._metrics(asked)
        if asked.sub:
            return self._sub(asked)
        if asked.verb == "list":
            return 200, self._list(asked)
        if asked.verb == "create":
            return self._create(asked)
        old = self.store.get(asked.resource, asked.namespace, asked.name)
        if asked.verb == "get":
            return 200, old
        if asked.verb == "delete":
            return self._delete(asked, old)
        new = copy.deepcopy(asked.body) if asked.verb == "update" else patched(asked.content_type, old, asked.body)
        return 200, self._write(asked, old, new)

    def _write(self, asked: Asked, old: Object, new: Object) -> Object:
        """Store a changed object, unless somebody else changed it since the version it names."""
        named = (new.get("metadata") or {}).get("resourceVersion")
        if named is not None and named != old["metadata"]["resourceVersion"]:
            words = "the object has been modified; please apply your changes to the latest version and try again"
            raise conflict(asked.resource, asked.name, words)
        new = defaulted(asked.resource, new)
        check(asked.resource, new, old)
        new["status"] = old.get("status", {})  # status is a subresource of its own
        if "status" not in old:
            del new["status"]
        if asked.dry:
            return new
        if self.store.replace(asked.resource, old, new) and asked.resource == "deployments":
            self.deployments.changed(new)
        if asked.resource == "nodes" and not new["spec"].get("unschedulable"):
            self.schedule()
        return self.store.get(asked.resource, asked.namespace, asked.name)

    def schedule(self) -> None:
        """Pods that found no node are tried again."""
        for pod in list(self.store.all("pods")):
            if not pod["spec"].get("nodeName"):
                self.pods.place(pod)

    def _create(self, asked: Asked) -> tuple[int, Object]:
        new = copy.deepcopy(asked.body or {})
        meta = new.setdefault("metadata", {})
        if RESOURCES[asked.resource][3]:
            if meta.setdefault("namespace", asked.namespace) != asked.namespace:
                words = "the namespace of the provided object does not match the namespace sent on the request"
                raise Refusal(400, "BadRequest", words)
            self.store.get("namespaces", "", asked.namespace)
        new = defaulted(asked.resource, new)
        check(asked.resource, new)
        if asked.dry:
            return 201, new
        kept = self.store.create(asked.resource, new)
        if asked.resource == "deployments":
            self.deployments.changed(kept)
        return 201, kept

    def _delete(self, asked: Asked, old: Object) -> tuple[int, Object]:
        wanted = ((asked.body or {}).get("preconditions") or {}).get("uid")
        if wanted not in (None, old["metadata"]["uid"]):
            raise conflict(asked.resource, asked.name, "Precondition failed: UID")
        if asked.resource == "pods":
            self.pods.remove(old)
        else:
            self.store.delete(asked.resource, old)
        return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}

    def _list(self, asked: Asked) -> Object:
        """Chunked as asked: `limit`, and `continue` with the place to go on from."""
        rows = [
            one for one in self.store.all(asked.resource, asked.namespace)
            if fits_query(asked.query.get("labelSelector", ""), one["metadata"].get("labels") or {})
            and fits_fields(asked.query.get("fieldSelector", ""), one)
        ]  # fmt: skip
        start, limit = int(asked.query.get("continue") or 0), int(asked.query.get("limit") or 0)
        chunk = rows[start : start + limit] if limit else rows[start:]
        meta: Object = {"resourceVersion": "1"}
        if limit and start + limit < len(rows):
            meta |= {"continue": str(start + limit), "remainingItemCount": len(rows) - start - limit}
        kind = f"{RESOURCES[asked.resource][2]}List"
        return {"kind": kind, "apiVersion": api_version(asked.resource), "metadata": meta, "items": chunk}

    def _sub(self, asked: Asked) -> tuple[int, Any]:
        obj = self.store.get(asked.resource, asked.namespace, asked.name)
        match asked.verb, asked.resource, asked.sub:
            case "get", "pods", "log":
                return 200, self.pods.log(obj, asked.query)
            case "create", "pods", "eviction":
                self.pods.evict(obj, asked.body or {}, dry=asked.dry)
                return 201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
            case "get", "deployments", "scale":
                return 200, _scale(obj)
            case "patch" | "update", "deployments", "scale":
                scaled = asked.body if asked.verb == "update" else patched(asked.content_type, _scale(obj), asked.body)
                new = copy.deepcopy(obj)
                new["spec"]["replicas"] = (scaled.get("spec") or {}).get("replicas", 0)
                new["metadata"]["resourceVersion"] = (scaled.get("metadata") or {}).get("resourceVersion")
                return 200, _scale(self._write(asked, obj, new))
        raise Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    def _metrics(self, asked: Asked) -> tuple[int, Any]:
        if not self.metrics:
            raise Refusal(404, "NotFound", "the server could not find the requested resource")
        kind = asked.resource.removeprefix("metrics/")
        usage = self.pods.node_usage if kind == "nodes" else self.pods.pod_usage
        rows = [usage(one) for one in self.store.all(kind, asked.namespace)
                if kind == "nodes" or one["status"]["phase"] == "Running"]  # fmt: skip
        return 200, {"kind": "MetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": rows}


def read(request: web.Request, body: Any) -> Asked:
    """What a request wants. Refusal NotFound for a path no API has."""
    parts = [part for part in request.path.split("/") if part]
    if parts == ["version"]:
        return Asked("get", "version", "", "", "", {}, "", body)
    prefix, rest = ("", parts[2:]) if parts[:1] == ["api"] else (f"{parts[1] if len(parts) > 1 else ''}", parts[3:])
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource, name, sub = (*rest, "", "", "")[:3]
    group = RESOURCES.get(resource, (None,))[0]
    if prefix == "metrics.k8s.io" and resource in ("nodes", "pods"):
        resource = f"metrics/{resource}"
    elif not rest or group != prefix or len(rest) > 3:
        raise Refusal(404, "NotFound", "the server could not find the requested resource")
    verb = ("get" if name else "list") if request.method == "GET" else VERBS.get(request.method, request.method.lower())
    return Asked(verb, resource, namespace, name, sub, dict(request.query), request.content_type, body)


def _scale(deployment: Object) -> Object:
    meta, spec = deployment["metadata"], deployment["spec"]
    labels = ",".join(f"{k}={v}" for k, v in spec["selector"]["matchLabels"].items())
    kept = {k: meta[k] for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": kept, "spec": {"replicas": spec["replicas"]},
            "status": {"replicas": deployment["status"].get("replicas", 0), "selector": labels}}  # fmt: skip


def _said(refusal: Refusal, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(refusal.status(), status=refusal.code, headers=headers)


def _refuse(fault: Fault) -> web.StreamResponse:
    """A planned failure in the API server's words: a status code, or `error:Forbidden` and other reasons."""
    reason = fault.mode.removeprefix("error:")
    if fault.mode == "429":
        words = "the server has received too many requests and has asked us to try again later"
        return _said(Refusal(429, "TooManyRequests", words), retry_after(fault))
    if fault.mode.isdigit():
        return _said(Refusal(int(fault.mode), "InternalError", "an error on the server has prevented the request"))
    return _said(Refusal(CODES.get(reason, 422), reason, f"planned: {reason} at {time.time():.0f}"))
