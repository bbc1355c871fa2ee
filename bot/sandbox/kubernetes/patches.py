"""The three ways to patch an object (contract E3): JSON patch, JSON merge patch, strategic merge patch.

Belongs here: pure functions of documents. Does not belong here: what an object may look like (``admission.py``).
Server-side apply is not spoken here: 415, as an API server answers to a kind of patch it does not know.
"""

from __future__ import annotations

import copy
from typing import Any

from bot.sandbox.kubernetes.store import Refusal

JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
# Lists that a strategic patch merges by a key of their items; all other lists are replaced.
MERGE_KEYS = {
    "containers": "name", "initContainers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath",
    "ports": "containerPort", "imagePullSecrets": "name", "ownerReferences": "uid", "conditions": "type",
    "taints": "key",
}  # fmt: skip


def patched(kind: str, document: dict[str, Any], patch: Any) -> dict[str, Any]:
    """A copy of the document with the patch applied. kind: the request's content type."""
    new = copy.deepcopy(document)
    if kind == JSON_PATCH:
        if not isinstance(patch, list):
            raise Refusal(400, "BadRequest", "json: cannot unmarshal object into Go value of type jsonpatch.Patch")
        for operation in patch:
            new = _operate(new, operation)
        return new
    if kind not in (MERGE_PATCH, STRATEGIC_PATCH):
        known = ", ".join((JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH))
        words = f"the body of the request was in an unknown format - accepted media types include: {known}"
        raise Refusal(415, "UnsupportedMediaType", words)
    if not isinstance(patch, dict):
        raise Refusal(400, "BadRequest", "json: cannot unmarshal array into Go value of type map[string]interface {}")
    return _merged(new, patch, strategic=kind == STRATEGIC_PATCH)


def _merged(old: Any, patch: dict[str, Any], *, strategic: bool) -> dict[str, Any]:
    new = dict(old) if isinstance(old, dict) else {}
    if strategic and patch.get("$patch") == "replace":
        return {k: v for k, v in patch.items() if k != "$patch"}
    for name, value in patch.items():
        if value is None:
            new.pop(name, None)
        elif isinstance(value, dict):
            new[name] = _merged(new.get(name), value, strategic=strategic)
        elif strategic and isinstance(value, list) and name in MERGE_KEYS and isinstance(new.get(name), list):
            new[name] = _merged_list(new[name], value, MERGE_KEYS[name])
        else:
            new[name] = value
    return new


def _merged_list(old: list[Any], patch: list[Any], key: str) -> list[Any]:
    rows = {row.get(key): row for row in old}
    for row in patch:
        if row.get("$patch") == "delete":
            rows.pop(row.get(key), None)
        else:
            rows[row.get(key)] = _merged(rows.get(row.get(key)), row, strategic=True)
    return list(rows.values())


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    """One JSON patch operation (RFC 6902). What does not fit is 422, in the API server's words."""
    what, path = operation.get("op"), str(operation.get("path", ""))
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    if what not in ("add", "replace", "remove", "test") or not parts:
        raise _wrong(f"unsupported operation {what!r} at {path!r}")
    place = document
    for part in parts[:-1]:
        place = _step(place, part, path)
    last = parts[-1]
    if isinstance(place, list):
        return _operate_list(document, place, last, operation, path)
    if not isinstance(place, dict):
        raise _wrong(f"{what} operation does not apply: doc is missing path: {path}")
    if what == "add":
        place[last] = operation.get("value")
        return document
    if what == "test" and place.get(last) != operation.get("value"):
        raise _wrong(f"testing value {path} failed")
    if what != "test" and last not in place:
        raise _wrong(f"{what} operation does not apply: doc is missing key: {path}")
    if what == "replace":
        place[last] = operation.get("value")
    elif what == "remove":
        del place[last]
    return document


def _operate_list(document: Any, place: list[Any], last: str, operation: dict[str, Any], path: str) -> Any:
    what, value = operation["op"], operation.get("value")
    index = len(place) if last == "-" else int(last) if last.isdigit() else -1
    if index < 0 or index > len(place) or (what != "add" and index == len(place)):
        raise _wrong(f"{what} operation does not apply: invalid index: {path}")
    if what == "add":
        place.insert(index, value)
    elif what == "remove":
        del place[index]
    elif what == "replace":
        place[index] = value
    elif place[index] != value:
        raise _wrong(f"testing value {path} failed")
    return document


def _step(place: Any, part: str, path: str) -> Any:
    if isinstance(place, dict) and part in place:
        return place[part]
    if isinstance(place, list) and part.isdigit() and int(part) < len(place):
        return place[int(part)]
    raise _wrong(f"operation does not apply: doc is missing path: {path}")


def _wrong(why: str) -> Refusal:
    """How an API server words a JSON patch that does not fit, a failed `test` among them. It does not say why."""
    refusal = Refusal(422, "Invalid", "the server rejected our request due to an error in our request")
    refusal.add_note(why)
    return refusal
