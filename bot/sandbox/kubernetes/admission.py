"""What an object may look like: defaults the API server fills in, and what it refuses with 422.

Belongs here: validation and defaults of the kinds there are. Does not belong here: storing, controllers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.sandbox.kubernetes.selectors import fits
from bot.sandbox.kubernetes.store import RESOURCES, Object, Refusal

NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
ROLLING = {"maxSurge": "25%", "maxUnavailable": "25%"}


def defaulted(resource: str, obj: Object) -> Object:
    """The object with what the API server adds."""
    spec = obj.get("spec")
    if resource == "deployments" and isinstance(spec, dict):
        spec.setdefault("replicas", 1)
        strategy = spec.setdefault("strategy", {})
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            strategy["rollingUpdate"] = {**ROLLING, **(strategy.get("rollingUpdate") or {})}
        spec.setdefault("progressDeadlineSeconds", 600)
        obj.setdefault("status", {})
    if resource == "networkpolicies" and isinstance(spec, dict):
        spec.setdefault("podSelector", {})
        spec.setdefault("policyTypes", ["Ingress", *(["Egress"] if "egress" in spec else [])])
    return obj


def check(resource: str, new: Object, old: Object | None = None) -> None:
    """Refusal Invalid (422) or BadRequest (400) for what must not be stored."""
    kind, name = RESOURCES[resource][2], str((new.get("metadata") or {}).get("name", ""))
    if not NAME.match(name):
        raise _invalid(kind, name, [f'metadata.name: Invalid value: "{name}": must be a lowercase RFC 1123 name'])
    for key, value in {**(new["metadata"].get("annotations") or {}), **(new["metadata"].get("labels") or {})}.items():
        if not isinstance(value, str):
            raise _undecodable(value, f"ObjectMeta.metadata: {key}")
    problems = list(_problems(resource, new, old))
    if problems:
        raise _invalid(kind, name, problems)


def _problems(resource: str, new: Object, old: Object | None) -> Iterator[str]:
    spec = new.get("spec") or {}
    if resource == "deployments":
        yield from _deployment(spec, (old or {}).get("spec"))
    elif resource == "configmaps":
        yield from _config_map(new, old)
    elif resource == "nodes" and not isinstance(spec.get("unschedulable", False), bool):
        yield "spec.unschedulable: must be a boolean"
    elif resource == "networkpolicies":
        for kind in spec.get("policyTypes") or ():
            if kind not in ("Ingress", "Egress"):
                yield f'spec.policyTypes: Unsupported value: "{kind}": supported values: "Egress", "Ingress"'


def _deployment(spec: Object, old: Object | None) -> Iterator[str]:
    replicas = spec.get("replicas")
    if isinstance(replicas, bool) or not isinstance(replicas, int) or replicas < 0:
        yield f"spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0"
    template: Any = spec.get("template") or {}
    containers = (template.get("spec") or {}).get("containers")
    if not containers:
        yield "spec.template.spec.containers: Required value"
    for row in containers or ():
        if not row.get("image"):
            yield "spec.template.spec.containers[0].image: Required value"
    selector = spec.get("selector") or {}
    if old is not None and selector != old.get("selector"):
        yield "spec.selector: Invalid value: field is immutable"
    if not fits(selector, (template.get("metadata") or {}).get("labels") or {}):
        yield "spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`"


def _config_map(new: Object, old: Object | None) -> Iterator[str]:
    for key, value in (new.get("data") or {}).items():
        if not isinstance(value, str):
            raise _undecodable(value, f"ConfigMap.data: {key}")
        if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key):
            yield f"data[{key}]: Invalid value: a valid config key consists of alphanumeric characters, '-', '_' or '.'"
    if old is not None and old.get("immutable") and new.get("data") != old.get("data"):
        yield "data: Forbidden: field is immutable when `immutable` is set"
    if sum(len(value.encode()) for value in (new.get("data") or {}).values()) > 1024 * 1024:
        yield "[]: Too long: must have at most 1048576 bytes"


def _undecodable(value: Any, field: str) -> Refusal:
    words = f"json: cannot unmarshal {type(value).__name__} into Go struct field {field} of type string"
    return Refusal(400, "BadRequest", words)


def _invalid(kind: str, name: str, problems: list[str]) -> Refusal:
    many = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    return Refusal(422, "Invalid", f'{kind} "{name}" is invalid: {many}', name=name, kind=kind)
