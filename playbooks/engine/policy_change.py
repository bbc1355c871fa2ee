"""Two sets of the policy's guarded sections side by side, in words; and the policy that rules with one of them.

Belongs here: pure functions over their JSON form. Does not belong here: rows (storage/policies.py), who approves
(decisions/policy.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from playbooks.errors import Refused
from playbooks.policy import Policy
from storage.policies import GUARDED, PolicyRow

MOST_LINES = 60
_ABSENT = object()


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """One line a change: "approvals.people: 2 → 1", "groups.dba: added (…)", "people.ben: removed (…)"."""
    lines = [line for name in _both(before, after) for line in _changes(name, before[name], after[name])]
    hidden = len(lines) - MOST_LINES
    return lines if hidden <= 0 else [*lines[:MOST_LINES], f"… and {hidden} more: `muster policy` shows all"]


def changed_sections(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of the sections that differ."""
    return [name for name in _both(before, after) if any(_changes(name, before[name], after[name]))]


def _both(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A section that one of them does not have yet (an older version wrote it) is no difference."""
    return [name for name in GUARDED if name in before and name in after]


def _changes(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from _changes(f"{path}.{key}", before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif before is _ABSENT:
        yield from [f"{path}: added ({_word(after)})"] if _word(after) != "none" else []
    elif after is _ABSENT:
        yield from [f"{path}: removed (was {_word(before)})"] if _word(before) != "none" else []
    elif before != after:
        yield f"{path}: {_word(before)} → {_word(after)}"


def _word(value: Any) -> str:
    """A JSON value as people read it."""
    if isinstance(value, Mapping):
        said = [f"{key} {_word(item)}" for key, item in value.items() if item not in (None, "", [], {})]
        return ", ".join(said) or "empty"
    if isinstance(value, list | tuple):
        return ", ".join(_word(item) for item in value) or "none"
    return "none" if value is None else str(value)


def sections_of(policy: Policy) -> dict[str, Any]:
    """The guarded sections in their JSON form."""
    return policy.model_dump(mode="json", by_alias=True, include=set(GUARDED))


def as_read(policy: Policy, ruling: PolicyRow) -> PolicyRow:
    """The ruling row as this version reads it beside this file: with what an older version did not write. The same row
    where nothing is missing, or where a newer version wrote it. Raises Refused when this version cannot read it."""
    if set(ruling.sections) - set(GUARDED):
        return ruling
    ruled = ruled_by(policy, ruling.sections)
    digest = ruled.digest()
    return ruling if digest == ruling.digest else replace(ruling, sections=sections_of(ruled), digest=digest)


def ruled_by(policy: Policy, sections: Mapping[str, Any]) -> Policy:
    """This file with those guarded sections in place of its own. One that is not there (an older version guarded fewer)
    stays the file's. Raises Refused when this version cannot read them."""
    whole = policy.model_dump(mode="json", by_alias=True)
    try:
        return Policy.model_validate({**whole, **{name: sections[name] for name in GUARDED if name in sections}})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused(f"This version of Muster cannot read the policy's {where}: {first['msg']}.") from None
