"""Whom a step asks, as its action's fields say: the mark on such a field, and reading it from a step's words.

Belongs here: the mark and the walk over a model's fields, pure. Does not belong here: who that is
(playbooks/engine/asked.py), whether the policy knows the name (playbooks/engine/addressed.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import BaseModel

from playbooks.reading import Loc


@dataclass(frozen=True)
class Audience:
    """Marks a field that names whom a question is for: a role, a group of the policy, or `anyone`."""


Who = Annotated[str, Audience()]


def named(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    """Every marked name in a step's words, with its place; references are left as they are, and absent ones out."""
    for field, info in model.model_fields.items():
        value = values.get(field)
        if isinstance(value, str) and any(isinstance(mark, Audience) for mark in info.metadata):
            yield (field,), value
        items: list[Any] = value if isinstance(value, list) else []
        for inner in _models(info.annotation) if items else ():
            for number, item in enumerate(items):
                if isinstance(item, Mapping):
                    yield from (((field, number, *loc), name) for loc, name in named(inner, item))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation: Item of `list[Annotated[Item, ...]]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
