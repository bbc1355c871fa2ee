"""How code is written here: catch-alls in named places, short files, docstrings, no prints, no naive times."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Where nothing may escape, and why. A name that holds no catch-all any more fails the test too.
CATCH_ALLS = {
    "playbooks/engine/doing.py": "the engine's step: what nobody foresaw is `unknown`, never lost",
    "playbooks/engine/recovering.py": "the engine's step: a look that breaks says nothing about the effect",
    "playbooks/engine/engine.py": "the engine's worker loop: a fault in one run does not stop the others",
    "commands/dispatch.py": "dispatch: whoever asked is told that it broke and that nothing of it was done",
    "bot/worker.py": "the worker loop: an ask that cannot be handled is buried, and said so",
}
# Who speaks on standard output: the command line and the demo.
SPEAKERS = ("bot/__main__.py", "bot/cli", "bot/demo", "bot/sandbox/__main__.py")
MOST_LINES = 400
# Longer, and one noun all the same.
LONGER = {"storage/tables.py": "every table, once: what refers to what is seen in one place"}


def catch_alls(sources: list[Any]) -> Iterator[tuple[str, int]]:
    """Path and line of every `except Exception`, `except BaseException`, bare except, and suppress() of these."""
    for source in sources:
        for node in ast.walk(source.tree):
            if _catches_all(node):
                yield source.path, node.lineno  # type: ignore[attr-defined]


def _catches_all(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or _everything(node.type)
    return isinstance(node, ast.Call) and _name(node.func) == "suppress" and any(map(_everything, node.args))


def _everything(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return any(map(_everything, node.elts))
    return _name(node) in ("Exception", "BaseException")


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def prints(sources: list[Any]) -> Iterator[tuple[str, int]]:
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "pprint"):
                yield source.path, node.lineno


def naive_times(sources: list[Any]) -> Iterator[tuple[str, int]]:
    """Times without a zone: now(), today(), utcnow(), fromtimestamp(x), datetime(2026, 1, 1)."""
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and _naive(node):
                yield source.path, node.lineno


def _naive(call: ast.Call) -> bool:
    name, keys = _name(call.func), {keyword.arg for keyword in call.keywords}
    of = _name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name in ("utcnow", "utcfromtimestamp"):
        return True
    if of in ("datetime", "date") and name == "today":
        return True
    if of == "datetime" and name == "now":
        return not call.args and "tz" not in keys
    if of == "datetime" and name == "fromtimestamp":
        return len(call.args) < 2 and "tz" not in keys
    if name == "datetime" and (of in ("", "datetime")) and (call.args or keys):
        return len(call.args) < 8 and "tzinfo" not in keys and None not in keys
    return False


def undocumented(sources: list[Any]) -> Iterator[str]:
    """Files with content and no module docstring."""
    for source in sources:
        if source.text.strip() and not ast.get_docstring(source.tree):
            yield source.path


def too_long(sources: list[Any]) -> Iterator[str]:
    """Files past 400 lines: they usually hide two nouns. Migrations never change once released and are left out."""
    for source in sources:
        lines = source.text.count("\n")
        if lines > MOST_LINES and not source.path.startswith("storage/migrations/versions/"):
            yield f"{source.path}: {lines} lines"


def test_catch_alls_stand_only_where_nothing_may_escape(house: list[Any]) -> None:
    found = list(catch_alls(house))
    assert [f"{path}:{line}" for path, line in found if path not in CATCH_ALLS] == []
    assert {path for path, _ in found} == set(CATCH_ALLS), "a name in CATCH_ALLS holds none any more"


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    x()\nexcept Exception:\n    pass\n",
        "try:\n    x()\nexcept BaseException as error:\n    raise\n",
        "try:\n    x()\nexcept:\n    pass\n",
        "try:\n    x()\nexcept (ValueError, builtins.Exception):\n    pass\n",
        "with contextlib.suppress(Exception):\n    x()\n",
    ],
)
def test_a_planted_catch_all_is_found(planted: Callable[..., Any], code: str) -> None:
    assert [path for path, _ in catch_alls(planted({"commands/x.py": code}))] == ["commands/x.py"]


def test_a_narrow_except_is_no_catch_all(planted: Callable[..., Any]) -> None:
    assert (
        list(catch_alls(planted({"commands/x.py": "try:\n    x()\nexcept (OSError, ValueError):\n    pass\n"}))) == []
    )


def test_only_the_command_line_prints(house: list[Any]) -> None:
    assert [f"{path}:{line}" for path, line in prints(house) if not path.startswith(SPEAKERS)] == []


def test_a_planted_print_is_found(planted: Callable[..., Any]) -> None:
    assert list(prints(planted({"storage/x.py": "def f():\n    print(1)\n"}))) == [("storage/x.py", 2)]


def test_every_time_has_a_zone(house: list[Any]) -> None:
    assert [f"{path}:{line}" for path, line in naive_times(house)] == []


@pytest.mark.parametrize(
    "code",
    ["datetime.now()", "datetime.utcnow()", "datetime.datetime.now()", "datetime.fromtimestamp(1)", "date.today()",
     "datetime(2026, 1, 1)", "datetime.datetime(2026, 1, 1, 12)"],
)  # fmt: skip
def test_a_planted_naive_time_is_found(planted: Callable[..., Any], code: str) -> None:
    assert list(naive_times(planted({"bot/x.py": f"x = {code}\n"}))) == [("bot/x.py", 1)]


@pytest.mark.parametrize(
    "code",
    ["datetime.now(UTC)", "datetime.now(tz=UTC)", "datetime.fromtimestamp(1, UTC)", "datetime(2026, 1, 1, tzinfo=UTC)",
     "time.time()", "tx.now"],
)  # fmt: skip
def test_a_time_with_its_zone_is_fine(planted: Callable[..., Any], code: str) -> None:
    assert list(naive_times(planted({"bot/x.py": f"x = {code}\n"}))) == []


def test_every_file_says_what_it_is_for(house: list[Any], tests: list[Any]) -> None:
    assert list(undocumented([*house, *tests])) == []


def test_a_planted_silent_file_is_found(planted: Callable[..., Any]) -> None:
    files = {"bot/a.py": "x = 1\n", "bot/b.py": '"""Says."""\nx = 1\n', "bot/__init__.py": ""}
    assert list(undocumented(planted(files))) == ["bot/a.py"]


def test_no_file_hides_two_nouns(house: list[Any]) -> None:
    found = list(too_long(house))
    assert [line for line in found if line.partition(":")[0] not in LONGER] == []
    assert {line.partition(":")[0] for line in found} == set(LONGER), "a file in LONGER is short enough now"


def test_a_planted_long_file_is_found(planted: Callable[..., Any]) -> None:
    files = {"bot/a.py": "x = 1\n" * 401, "bot/b.py": "x = 1\n" * 400}
    assert list(too_long(planted(files))) == ["bot/a.py: 401 lines"]
