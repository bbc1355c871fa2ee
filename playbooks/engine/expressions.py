"""The small language inside `${{ }}`: names, their parts, constants, comparisons, and, or, not. Nothing else.

Belongs here: cutting text at references, parsing one with Jinja2's sandbox, refusing everything that is not in the
list above, compiling it. Does not belong here: scopes and what a missing value means (values.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from playbooks.errors import Refused
from playbooks.reading import hint

SCOPES = ("inputs", "steps", "incident", "service", "site", "active", "active_site", "severity", "organisation", "run")
_NOTHING = frozenset({"null", "none", "None", "true", "false", "True", "False"})
_REFERENCE = re.compile(r"\$\{\{((?:'[^']*'|\"[^\"]*\"|(?!\}\})[^'\"])*)\}\}")
_OPERATORS = frozenset({"eq", "ne", "lt", "lteq", "gt", "gteq", "in", "notin"})
_LONGEST = 500

Path = tuple[str, ...]


class _Environment(ImmutableSandboxedEnvironment):
    """Attribute and item access reach keys of mappings and positions of lists, never attributes or methods."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping) or (isinstance(obj, list | tuple) and isinstance(argument, int)):
            try:
                return obj[argument]
            except (KeyError, IndexError):
                pass
        return self.undefined(obj=obj, name=argument)


def _environment() -> _Environment:
    environment = _Environment(undefined=StrictUndefined, autoescape=False, cache_size=0)
    environment.globals.clear()
    environment.filters.clear()
    environment.tests.clear()
    return environment


_JINJA = _environment()


@dataclass(frozen=True)
class Expression:
    """One reference. source: between the braces; paths: every dotted path it reads; evaluate: scope -> value."""

    source: str
    paths: frozenset[Path]
    evaluate: Callable[[Mapping[str, Any]], Any]


@lru_cache(maxsize=2048)
def compile_source(source: str) -> Expression:
    """Parse, check and compile one expression. Raises Refused saying what is not allowed there."""
    source = source.strip()
    if not source or len(source) > _LONGEST:
        raise Refused(f"a reference holds 1 to {_LONGEST} characters, this one {len(source)}")
    try:
        parser = Parser(_JINJA, source, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise Refused(f"`{source}` is more than one expression")
        paths = frozenset(_check(tree, source))
        compiled = _JINJA.compile_expression(source, undefined_to_none=False)
    except TemplateSyntaxError as error:
        raise Refused(f"`{source}` cannot be read: {error.message}") from error
    except RecursionError as error:
        raise Refused("a reference is nested too deeply") from error

    def evaluate(scope: Mapping[str, Any]) -> Any:
        return compiled({"null": None, **scope})

    return Expression(source, paths, evaluate)


@lru_cache(maxsize=2048)
def cut(text: str) -> tuple[str | Expression, ...]:
    """The text as literal pieces and expressions, in order. Raises Refused for a `${{` that never closes."""
    pieces: list[str | Expression] = []
    at = 0
    for match in _REFERENCE.finditer(text):
        pieces += [text[at : match.start()], compile_source(match[1])]
        at = match.end()
    pieces.append(text[at:])
    if any(isinstance(piece, str) and "${{" in piece for piece in pieces):
        raise Refused("a `${{` has no `}}`")
    return tuple(piece for piece in pieces if piece != "")


def whole(text: str) -> Expression | None:
    """The expression when the text is one reference and nothing else (spaces around it aside)."""
    pieces = cut(text.strip())
    return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], Expression) else None


def condition(text: str) -> Expression:
    """An `if`: one reference, or the same without the braces. Raises Refused for anything else."""
    if "${{" not in text:
        return compile_source(text)
    found = whole(text)
    if found is None:
        raise Refused("`if` is one comparison; put all of it inside one ${{ }} or use none")
    return found


def _check(node: nodes.Node, source: str) -> list[Path]:
    """The paths a tree reads. Raises Refused at the first node that is not in the language."""
    if isinstance(node, nodes.Const):
        return []
    if isinstance(node, nodes.Name) and node.name in _NOTHING:
        return []
    if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
        return [_path(node, source)]
    if isinstance(node, nodes.Compare):
        if {operand.op for operand in node.ops} - _OPERATORS:
            raise Refused(f"`{source}` uses a comparison that is not allowed")
        children: list[nodes.Node] = [node.expr, *(operand.expr for operand in node.ops)]
    elif isinstance(node, nodes.And | nodes.Or):
        children = [node.left, node.right]
    elif isinstance(node, nodes.Not):
        children = [node.node]
    elif _is_constant(node):
        children = []
    else:
        kind = type(node).__name__.lower()
        raise Refused(
            f"`{source}` uses a {kind}; references only know names, comparisons, and, or, not",
            todo="For anything cleverer write an action.",
        )
    return [path for child in children for path in _check(child, source)]


def _is_constant(node: nodes.Node) -> bool:
    """A negative number, or a list of constants."""
    if isinstance(node, nodes.Neg):
        return isinstance(node.node, nodes.Const)
    return isinstance(node, nodes.List | nodes.Tuple) and all(isinstance(item, nodes.Const) for item in node.items)


def _path(node: nodes.Node, source: str) -> Path:
    """("steps", "before", "outputs", "writer_zone") of a chain of names."""
    parts: list[str] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            parts.append(node.attr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and _is_key(node.arg.value):
            parts.append(str(node.arg.value))
        else:
            raise Refused(f"`{source}`: only names and constant keys can be reached")
        node = node.node
    if node.name not in SCOPES:
        raise Refused(f"`{source}`: there is no {node.name}{hint(node.name, SCOPES)}")
    if not parts:
        raise Refused(f"`{source}`: say which part of {node.name}, as in {node.name}.something")
    return (node.name, *reversed(parts))


def _is_key(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)
