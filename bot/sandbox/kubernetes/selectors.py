"""Label and field selectors, as queries and as objects.

Belongs here: whether labels or an object fit. Does not belong here: who asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.sandbox.kubernetes.store import Object, Refusal

SET = re.compile(r"^\s*([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)\s*$")
FIELDS = {
    "metadata.name", "metadata.namespace", "spec.nodeName", "spec.unschedulable", "status.phase", "type",
    "involvedObject.name", "involvedObject.kind",
}  # fmt: skip


def fits(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels fit an object's selector (matchLabels and matchExpressions)."""
    wanted = selector.get("matchLabels") or {}
    rows = selector.get("matchExpressions") or ()
    return all(labels.get(k) == v for k, v in wanted.items()) and all(_expression(row, labels) for row in rows)


def _expression(row: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    there, values = row["key"] in labels, row.get("values") or ()
    match row["operator"]:
        case "In":
            return labels.get(row["key"]) in values
        case "NotIn":
            return labels.get(row["key"]) not in values
        case "Exists":
            return there
    return not there


def fits_query(query: str, labels: Mapping[str, str]) -> bool:
    """Whether labels fit `app=api,tier!=web,env in (a,b),canary,!old`. Refusal for what cannot be parsed."""
    return all(_part(part.strip(), labels) for part in re.split(r",(?![^(]*\))", query) if part.strip())


def _part(part: str, labels: Mapping[str, str]) -> bool:
    if found := SET.match(part):
        inside = labels.get(found[1]) in [one.strip() for one in found[3].split(",")]
        return inside if found[2] == "in" else not inside
    if "!=" in part:
        name, _, value = part.partition("!=")
        return labels.get(name.strip()) != value.strip()
    if "=" in part:
        name, _, value = part.partition("=")
        return labels.get(name.strip()) == value.lstrip("=").strip()
    if not re.fullmatch(r"!?[\w./-]+", part):
        raise Refusal(400, "BadRequest", f'unable to parse requirement: found "{part}"')
    return part[1:] not in labels if part.startswith("!") else part in labels


def fits_fields(query: str, obj: Object) -> bool:
    """Whether an object fits `spec.nodeName=node-a,status.phase!=Running`. Refusal for fields nobody can select by."""
    for part in filter(None, query.split(",")):
        name, sign, value = part.partition("!=" if "!=" in part else "=")
        if name not in FIELDS:
            raise Refusal(400, "BadRequest", f"field label not supported: {name}")
        place: Any = obj
        for step in name.split("."):
            place = place.get(step, "") if isinstance(place, dict) else ""
        text = str(place).lower() if isinstance(place, bool) else str(place)
        if (text == value.lstrip("=")) == (sign == "!="):
            return False
    return True
