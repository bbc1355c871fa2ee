"""`--json` for every command that prints: one object on standard output, whatever the command says for people.

`{"command", "ok", "exit_code", "lines", "error"}`, and what the command itself tells (`told`). Words of an error stand
on standard error as always. Belongs here: that option. Does not belong here: what commands print.
"""

from __future__ import annotations

import inspect
import io
import json as codec
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from contextvars import ContextVar
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer
from pydantic import ValidationError

from playbooks.errors import MusterError
from storage.db import Unreachable

OPTION = typer.Option("--json", help="Say it as one JSON object.")
_TOLD: ContextVar[dict[str, Any] | None] = ContextVar("told", default=None)


def told(**facts: Any) -> None:
    """What a command knows in a form for programs: fields of the object. Nothing where people read."""
    found = _TOLD.get()
    if found is not None:
        found.update(facts)


class Commands(typer.Typer):
    """Commands whose output can be had as JSON; `json=False` for those that run until they are stopped."""

    def command(self, name: str | None = None, *, json: bool = True, **options: Any) -> Callable[[Any], Any]:
        """As typer's, with the option added where the function has none of its own."""
        add = super().command(name, **options)

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            own = "json" in inspect.signature(function).parameters
            add(function if own or not json else _with_json(function, name or function.__name__))
            return function

        return register


def _with_json(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(function)
    def said(*args: Any, json: bool = False, **given: Any) -> None:
        if not json:
            function(*args, **given)
            return
        _as_json(name, lambda: function(*args, **given))

    plain = inspect.signature(function, eval_str=True)  # typer reads the objects, not their names
    option = inspect.Parameter(
        "json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, OPTION]
    )
    said.__signature__ = plain.replace(parameters=[*plain.parameters.values(), option])  # type: ignore[attr-defined]
    said.__annotations__ = {**get_type_hints(function, include_extras=True), "json": Annotated[bool, OPTION]}
    return said


def _as_json(name: str, work: Callable[[], Any]) -> None:
    """Do it, print the object, and end as it would have ended."""
    facts: dict[str, Any] = {}
    out, code, error = io.StringIO(), 1, ""
    token = _TOLD.set(facts)
    try:
        with redirect_stdout(out):
            work()
        code = 0
    except typer.Exit as left:
        code = left.exit_code
    except (MusterError, Unreachable, ValidationError, OSError, typer.BadParameter) as failed:
        error = str(failed)
        raise
    finally:
        _TOLD.reset(token)
        lines = out.getvalue().splitlines()
        whole = {"command": name, "ok": code == 0, "exit_code": code, **facts, "lines": lines}
        if error:
            whole["error"] = error
        sys.stdout.write(codec.dumps(whole, ensure_ascii=False, default=str) + "\n")
    if code:
        raise typer.Exit(code)
