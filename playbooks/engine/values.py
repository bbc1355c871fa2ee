"""References resolved: `${{ steps.before.outputs.writer_zone }}` and friends against the scope of one run.

Belongs here: what each scope holds, evaluating values and conditions, what a dry run shows for what is not known yet.
Does not belong here: the language between the braces (expressions.py), checking a playbook's references (check.py).

A scope is a mapping of plain JSON values: {"inputs": {...}, "steps": {"before": {"outputs": {...}}}, "incident": {...},
"service": Service.scope(), "site": Site.scope(), "severity": severity_scope(...), "organisation": {...},
"run": {...}}; a scope a run does not have (an `org` run has no incident) is left out or None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import SecurityError, UndefinedError

from playbooks.action import Action, load_actions
from playbooks.durations import words
from playbooks.engine.expressions import Expression, Path, condition, cut, whole
from playbooks.errors import Refused

INCIDENT_FIELDS = (
    "id",
    "number",
    "title",
    "headline",
    "severity",
    "type",
    "status",
    "kind",
    "private",
    "service",
    "url",
    "page",
    "page_url",
    "paged_blind",
    "page_key",
    "page_summary",
    "page_routing_key",
    "commander",
    "commander_slack",
    "declared_by",
    "status_page_name",
    "status_page_body",
    "status_page_components",
    "latest_update",
    "latest_update_status",
    "started",
)
"""What `${{ incident.x }}` always knows; besides these, every fact that some action stores."""
RUN_FIELDS = ("id", "kind", "requester_slack", "by_hand")
ORGANISATION_FIELDS = ("name", "contacts", "disaster_levels")


@dataclass(frozen=True)
class KnownLater:
    """Stands in a dry run for a value that step `step_id` will only learn by running."""

    step_id: str

    def __str__(self) -> str:
        return f"«known after step {self.step_id}»"


class _Facts(Mapping[str, Any]):
    """The incident as references see it: a known name without a value is None, any other name does not exist."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        if name not in self._values and is_incident_name(name):
            return None
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@lru_cache(maxsize=1)
def _all_actions() -> Mapping[str, type[Action]]:
    return load_actions()


def incident_names() -> set[str]:
    """INCIDENT_FIELDS and the facts of every action there is."""
    return {*INCIDENT_FIELDS, *(fact for action in _all_actions().values() for fact in action.facts)}


def is_incident_name(name: str) -> bool:
    """Whether `incident.<name>` may be written."""
    return name in INCIDENT_FIELDS or any(name in action.facts for action in _all_actions().values())


def resolve(value: Any, scope: Mapping[str, Any], unknown: Collection[str] = ()) -> Any:
    """The value with every reference replaced, through dicts and lists.

    A text that is one whole reference keeps its type; otherwise references become text (None is "", lists are joined
    by ", ", durations in words). unknown: prefixes of paths not known yet ("steps.failover", "incident.channel"), or
    a mapping of prefix -> step id; they give KnownLater, or its text. Raises Refused naming the path without a value.
    """
    return _resolve(value, _ready(scope), _prefixes(unknown))


def test(if_text: str, scope: Mapping[str, Any]) -> bool:
    """Whether a step's `if` holds. Empty, None, 0 and false do not. Raises Refused as `resolve` does."""
    return bool(_evaluate(condition(if_text), _ready(scope)))


def test_plan(if_text: str, scope: Mapping[str, Any], unknown: Collection[str]) -> bool | KnownLater:
    """`test` for a dry run: KnownLater when the answer depends on a step that has not run."""
    expression = condition(if_text)
    later = _later(expression, _prefixes(unknown))
    return later or bool(_evaluate(expression, _ready(scope)))


def references(value: Any) -> set[Path]:
    """Every path the value reads, through dicts and lists. Raises Refused for what is not in the language."""
    if isinstance(value, str):
        return {path for piece in cut(value) if isinstance(piece, Expression) for path in piece.paths}
    if isinstance(value, Mapping):
        return {path for item in value.values() for path in references(item)}
    if isinstance(value, list | tuple):
        return {path for item in value for path in references(item)}
    return set()


def condition_references(if_text: str) -> set[Path]:
    """Every path an `if` reads. Raises Refused as `references` does."""
    return set(condition(if_text).paths)


def as_text(value: Any) -> str:
    """A value inside a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return words(value)
    if isinstance(value, list | tuple):
        return ", ".join(as_text(item) for item in value)
    return str(value)


def _resolve(value: Any, scope: Mapping[str, Any], unknown: Mapping[Path, str]) -> Any:
    if isinstance(value, str):
        only = whole(value)
        if only is not None:
            return _later(only, unknown) or _evaluate(only, scope)
        return "".join(
            piece if isinstance(piece, str) else as_text(_later(piece, unknown) or _evaluate(piece, scope))
            for piece in cut(value)
        )
    if isinstance(value, Mapping):
        return {key: _resolve(item, scope, unknown) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve(item, scope, unknown) for item in value]
    return value


def _ready(scope: Mapping[str, Any]) -> dict[str, Any]:
    ready = dict(scope)
    if isinstance(incident := ready.get("incident"), Mapping):
        ready["incident"] = _Facts(incident)
    return ready


def _prefixes(unknown: Collection[str]) -> dict[Path, str]:
    """Prefix as a path -> the step that will know: from the mapping, else the prefix's second part."""
    named = unknown if isinstance(unknown, Mapping) else {prefix: prefix.split(".")[1] for prefix in unknown}
    return {tuple(prefix.split(".")): step for prefix, step in named.items()}


def _later(expression: Expression, unknown: Mapping[Path, str]) -> KnownLater | None:
    for path in sorted(expression.paths):
        for prefix, step in unknown.items():
            if path[: len(prefix)] == prefix:
                return KnownLater(step)
    return None


def _evaluate(expression: Expression, scope: Mapping[str, Any]) -> Any:
    try:
        value = expression.evaluate(scope)
    except (UndefinedError, SecurityError) as error:
        raise Refused(_missing(expression, scope)) from error
    except TypeError as error:
        raise Refused(f"`{expression.source}` compares things that cannot be compared: {error}") from error
    if isinstance(value, Undefined):
        raise Refused(_missing(expression, scope))
    return dict(value) if isinstance(value, _Facts) else value


def _missing(expression: Expression, scope: Mapping[str, Any]) -> str:
    """Which path of the expression has no value, and where it breaks off."""
    for path in sorted(expression.paths):
        at: Any = scope
        for depth, part in enumerate(path):
            whole_path, so_far = ".".join(path), ".".join(path[:depth])
            if at is None:
                return f"`{whole_path}` has no value: {so_far} is not set"
            try:
                at = at[int(part)] if isinstance(at, list | tuple) else at[part]
            except (KeyError, IndexError, TypeError, ValueError):
                there = f"{so_far} has no {part}" if so_far else f"this run has no {part}"
                return f"`{whole_path}` has no value: {there}"
    return f"`{expression.source}` has no value"
