"""What a step changed, in words that compare: how a later step is seen to have set it back.

Belongs here: the shape and the rule over a list of them, pure. Does not belong here: what an action changed (its file),
reading steps (playbooks/engine/settling.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rfc8785 import dumps

Who = TypeVar("Who")
UNKNOWN = "?"  # equals nothing that `said` writes


@dataclass(frozen=True)
class Change:
    """thing: what was changed, named alike by whatever changes it; before, after: how it was and is, written alike."""

    thing: str
    before: str
    after: str


def said(value: Any) -> str:
    """Any JSON value as words that compare; a mapping without the keys whose value is None."""
    if isinstance(value, Mapping):
        value = {str(key): one for key, one in value.items() if one is not None}
    return dumps(value).decode()


def standing(made: Iterable[tuple[Who, Change]]) -> list[tuple[Who, Change]]:
    """Of changes in the order in which they were made, those that still make a difference.

    A change that sets a thing to how it was before an earlier one ends that one, all since, and itself: 3 -> 0, 0 -> 1,
    1 -> 3 leaves nothing.
    """
    left: dict[str, list[tuple[Who, Change]]] = {}
    for who, change in made:
        mine = left.setdefault(change.thing, [])
        known = change.after != UNKNOWN
        back = next((at for at, (_, one) in enumerate(mine) if known and one.before == change.after), None)
        if back is not None:
            del mine[back:]
        elif not known or change.before != change.after:
            mine.append((who, change))
    return [one for mine in left.values() for one in mine]
