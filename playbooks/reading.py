"""Reading YAML that people write: every problem at once, each with its file, its line and the nearest right word.

Belongs here: the round-trip reader that keeps line numbers, turning pydantic's errors into such problems, the nearest
word. Does not belong here: what a policy or a playbook may contain (policy.py, engine/load.py).
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import SequenceMatcher
from io import StringIO
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from playbooks.errors import Refused

Loc = tuple[str | int, ...]
_DEEPEST = 30


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like this one (the first of equals), or None when nothing is near (below 0.6)."""
    best, best_ratio = None, 0.6
    for name in known:
        ratio = SequenceMatcher(None, word.lower(), name.lower()).ratio()
        if ratio > best_ratio or (best is None and ratio >= best_ratio):
            best, best_ratio = name, ratio
    return best


def hint(word: str, known: Iterable[str]) -> str:
    """ " (did you mean **x**?)", or the whole list when it is short, or nothing. Starts with a space."""
    names = sorted(known)
    if best := nearest(word, names):
        return f", did you mean {best}?"
    return f" (known: {', '.join(names)})" if 0 < len(names) <= 12 else ""


@dataclass
class Problems:
    """Everything wrong in one file. `add` takes a 1-based line; `raise_any` raises Refused with all of them."""

    source: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, text: str) -> None:
        """One problem; a repeated one is kept once."""
        if (line, text) not in self.found:
            self.found.append((line, text))

    def raise_any(self) -> None:
        """Raise Refused with one "source:line: what" per line, in line order, if there is anything to say."""
        if self.found:
            raise Refused("\n".join(f"{self.source}:{line}: {text}" for line, text in sorted(self.found)))


def read_yaml(text: str, source: str) -> CommentedMap:
    """One YAML 1.2 document whose top is a mapping, with line numbers. Raises Refused naming source and line.

    The same text gives the same object: read it, never change it.
    """
    problems = Problems(source)
    node: Any = None
    try:
        node = _loaded(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = (error.problem or error.context or "not YAML").split("\n")[0]
        problems.add(mark.line + 1 if mark else 1, f"not readable as YAML: {what}")
    except RecursionError:
        problems.add(1, "not readable as YAML: nested too deeply")
    except (YAMLError, ValueError) as error:
        problems.add(1, f"not readable as YAML: {(str(error) or type(error).__name__).splitlines()[0]}")
    problems.raise_any()
    if not isinstance(node, CommentedMap):
        problems.add(1, "the file must be a mapping of keys to values")
        problems.raise_any()
    assert isinstance(node, CommentedMap)
    return node


@functools.lru_cache(maxsize=64)
def _loaded(text: str) -> Any:
    """The document. Reading is slow (0.2 ms a line), and a run's text is read at every claim."""
    return YAML(typ="rt").load(StringIO(text))


def plain(node: Any, depth: int = 0) -> Any:
    """The node as ordinary dict, list, str, int, float, bool, date or None. Raises Refused when nested too deeply."""
    if depth > _DEEPEST:
        raise Refused(f"The YAML is nested more than {_DEEPEST} levels deep.")
    if isinstance(node, Mapping):
        return {_key(key): plain(value, depth + 1) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value, depth + 1) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, datetime | date):
        return node
    for kind in (str, int, float):
        if isinstance(node, kind):
            return kind(node)
    return str(node)


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def line_of(node: Any, loc: Loc) -> int:
    """The 1-based line of the deepest part of `loc` that exists in the document."""
    line = node.lc.line + 1 if isinstance(node, CommentedMap | CommentedSeq) else 1
    for part in loc:
        if isinstance(node, CommentedMap):
            keys = [key for key in node if _key(key) == str(part)]
            if not keys:
                break
            line, node = node.lc.key(keys[0])[0] + 1, node[keys[0]]
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line, node = node.lc.item(part)[0] + 1, node[part]
        else:
            break
    return line


def explain(error: ValidationError, model: type[BaseModel], node: Any, problems: Problems, prefix: str = "") -> None:
    """Add each of pydantic's errors to `problems` in a person's words, with its line. prefix: "step x: "."""
    for detail in error.errors(include_url=False):
        problems.add(line_of(node, detail["loc"]), prefix + say(detail, model))


def say(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """One pydantic error in words. Never repeats the value of a secret field (SecretRef's own error masks it)."""
    loc, kind = detail["loc"], detail["type"]
    path = ".".join(str(part) for part in loc)
    if kind == "extra_forbidden":
        key = str(loc[-1])
        return f"unknown key {path}{hint(key, fields_at(model, loc[:-1]))}"
    if kind == "missing":
        return f"{path} is missing"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind == "literal_error":
        given = str(detail["input"])
        choices = [
            choice.strip("'") for choice in detail.get("ctx", {}).get("expected", "").replace(" or ", ", ").split(", ")
        ]
        return f"{path}: {given} is not one of {', '.join(choices)}{_mean(given, choices)}"
    return f"{path}: {message[:1].lower()}{message[1:]}"


def _mean(given: str, choices: Sequence[str]) -> str:
    best = nearest(given, choices)
    return f", did you mean {best}?" if best else ""


def fields_at(model: Any, loc: Loc) -> list[str]:
    """The names a mapping at this place of the model may have; empty where any name may stand."""
    for part in loc:
        model = _step(model, part)
    found = _model_in(model)
    return [info.alias or name for name, info in found.model_fields.items()] if found else []


def _step(annotation: Any, part: str | int) -> Any:
    """The annotation one level down: a field of a model, the value of a mapping, the item of a list."""
    model = _model_in(annotation)
    if model is not None:
        for name, info in model.model_fields.items():
            if part in (name, info.alias):
                return info.annotation
        return None
    for choice in _choices(annotation):
        origin, args = get_origin(choice), get_args(choice)
        if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
            return args[1]
        if origin in (list, tuple):
            return args[0]
    return None


def _choices(annotation: Any) -> list[Any]:
    """The members of a union, else the annotation alone; `Annotated` is unwrapped."""
    if hasattr(annotation, "__metadata__"):
        return _choices(annotation.__origin__)
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for member in get_args(annotation) for inner in _choices(member)]
    return [annotation]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for choice in _choices(annotation):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None


@dataclass(frozen=True)
class Reach:
    """Answer of `reach`. wrong: the first part that does not exist, None when all do; known: what could stand there."""

    wrong: str | None = None
    known: tuple[str, ...] = ()


def reach(model: type[BaseModel], path: Sequence[str]) -> Reach:
    """Whether a dotted path exists in a model: ("database", "instance"). Below a free mapping everything exists."""
    annotation: Any = model
    for part in path:
        if any(choice in (Any, object, dict, list) for choice in _choices(annotation)):
            return Reach()
        inner = _model_in(annotation)
        if inner is not None and part not in inner.model_fields:
            return Reach(part, tuple(inner.model_fields))
        annotation = _step(annotation, part)
        if annotation is None:
            return Reach(part)
    return Reach()
