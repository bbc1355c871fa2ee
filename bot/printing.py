"""`--json` for every command that prints: one object on standard output, whatever the command says for people.

`{"command", "ok", "exit_code", "lines", "error"}`, and what the command itself tells (`told`). What cannot be done, or
was not understood, is such an object too, of every command; its words stand on standard error as always. Belongs here:
that option, the words of an error. Does not belong here: what commands print.
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
from typer.core import TyperGroup

from playbooks.errors import MusterError, Refused
from storage.db import StatementFailed, Unreachable, schemaless

OPTION = typer.Option("--json", help="Say it as one JSON object.")
USAGE: Any = typer.BadParameter.__mro__[1]  # what typer raises for words it does not understand
FAILURES = (MusterError, Unreachable, ValidationError, OSError, USAGE)
_TOLD: ContextVar[dict[str, Any] | None] = ContextVar("told", default=None)
_SAID: ContextVar[list[Exception]] = ContextVar("said")  # errors that stand on standard output already


def told(**facts: Any) -> None:
    """What a command knows in a form for programs: fields of the object. Nothing where people read."""
    found = _TOLD.get()
    if found is not None:
        found.update(facts)


def reason(error: Exception) -> str:
    """What went wrong, in words. Of the environment only which variable is wrong and why: its value may be secret."""
    match error:
        case Unreachable():
            return f"{error}. Check DATABASE_URL."
        case ValidationError():
            found = error.errors(include_input=False, include_context=False)
            wrong = [f"{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in found]
            return "The environment has values that cannot be used:\n" + "\n".join(wrong)
        case OSError():
            return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    return str(error.format_message()) if isinstance(error, USAGE) else str(error).replace("**", "")


class Group(TyperGroup):
    """All commands. One that was asked for JSON says as JSON, too, why it could not be done or was not understood.

    A database without this version's tables is no fault of Muster's, so it is refused in words.
    """

    def invoke(self, ctx: Any) -> Any:
        """As typer's; the error goes on to whoever turns it into words and the exit code."""
        words = [*ctx._protected_args, *ctx.args]
        asked = "--json" in (words[: words.index("--")] if "--" in words else words)
        said: list[Exception] = []
        token = _SAID.set(said)
        try:
            return super().invoke(ctx)
        except (*FAILURES, StatementFailed) as error:
            failed = _words(error)
            if asked and isinstance(failed, FAILURES) and failed not in said:
                _write(ctx.invoked_subcommand or words[0], _code(failed), error=reason(failed))
            if failed is error:
                raise
            raise failed from None
        finally:
            _SAID.reset(token)


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
    except (*FAILURES, StatementFailed) as problem:
        failed = _words(problem)
        code, error = _code(failed), reason(failed)
        _SAID.get([]).append(failed)
        raise failed from None
    finally:
        _TOLD.reset(token)
        _write(name, code, out.getvalue().splitlines(), error, facts)
    if code:
        raise typer.Exit(code)


def _words(error: Exception) -> Exception:
    """The error itself, or a refusal that says what it means."""
    if not schemaless(error):
        return error
    return Refused("The database has not the tables of this version. Nothing was read or changed.",
                   todo="`muster migrate` makes them; check DATABASE_URL first.")  # fmt: skip


def _code(failed: Exception) -> int:
    """What the process ends with."""
    return int(getattr(failed, "exit_code", 1)) if isinstance(failed, USAGE) else 1


def _write(
    name: str, code: int, lines: list[str] | None = None, error: str = "", facts: dict[str, Any] | None = None
) -> None:
    whole = {"command": name, "ok": code == 0, "exit_code": code, **(facts or {}), "lines": lines or []}
    if error:
        whole["error"] = error
    sys.stdout.write(codec.dumps(whole, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()
