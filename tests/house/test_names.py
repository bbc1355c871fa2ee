"""The name is the path: what a person reads in Slack or on the timeline is where the code, and its test, is."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.command import TOPICS


def declared(tree: ast.Module, decorator: str) -> list[str]:
    """The first words given to `@decorator("...")` of the file's classes; "?" where they are not a literal."""
    found = []
    for node in ast.walk(tree):
        for call in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == decorator:
                first = call.args[0] if call.args else None
                found.append(first.value if isinstance(first, ast.Constant) else "?")
    return found


def misnamed_commands(root: Path, sources: list[Any]) -> Iterator[str]:
    """`commands/incident/declare.py` declares exactly "incident declare" and has `tests/commands/incident/test_declare.py`."""
    for source in sources:
        found = re.fullmatch(rf"commands/({'|'.join(TOPICS)})/(\w+)\.py", source.path)
        if found is None or found[2] == "__init__":
            if declared(source.tree, "command"):
                yield f"{source.path} declares a command outside its topic"
            continue
        topic, verb = found.groups()
        says, wanted = declared(source.tree, "command"), [f"{topic} {verb.replace('_', '-')}"]
        if says != wanted:
            yield f"{source.path} declares {says}, its path says {wanted}"
        yield from _untested(root, f"tests/commands/{topic}/test_{verb}.py", source.path)


def misnamed_actions(root: Path, sources: list[Any]) -> Iterator[str]:
    """`playbooks/actions/aws/rds_failover.py` declares exactly "aws.rds_failover" and has its test."""
    for source in sources:
        found = re.fullmatch(r"playbooks/actions/(\w+)/(\w+)\.py", source.path)
        if found is None or found[2] == "__init__":
            if declared(source.tree, "action"):
                yield f"{source.path} declares an action outside its vendor"
            continue
        vendor, name = found.groups()
        says = declared(source.tree, "action")
        if says != [f"{vendor}.{name}"]:
            yield f"{source.path} declares {says}, its path says ['{vendor}.{name}']"
        yield from _untested(root, f"tests/playbooks/actions/{vendor}/test_{name}.py", source.path)


def untested_connectors(root: Path, sources: list[Any]) -> Iterator[str]:
    for source in sources:
        found = re.fullmatch(r"playbooks/connectors/(\w+)\.py", source.path)
        if found and found[1] != "__init__":
            noun = found[1].partition("_")[0]  # a part of a connector, slack_calls, is tested with its noun
            yield from _untested(root, f"tests/playbooks/connectors/test_{noun}.py", source.path)


def misnamed_playbooks(root: Path) -> Iterator[str]:
    """`playbooks/library/failover/rds-multi-az.yaml` says `name: failover/rds-multi-az`."""
    library = root / "playbooks/library"
    for file in sorted(library.rglob("*.y*ml")):
        name = file.relative_to(library).with_suffix("").as_posix()
        says = re.findall(r"^name: *(\S+) *$", file.read_text(encoding="utf-8"), re.MULTILINE)
        if says != [name] or file.suffix != ".yaml":
            yield f"{file.relative_to(root).as_posix()} says {says}, its path says {name}"


def _untested(root: Path, test: str, path: str) -> Iterator[str]:
    file = root / test
    if not file.is_file():
        yield f"{path} has no {test}"
    elif not re.search(r"^(async )?def test_|^    (async )?def test_", file.read_text(encoding="utf-8"), re.MULTILINE):
        yield f"{path}: {test} tests nothing"


def test_commands(root: Path, house: list[Any]) -> None:
    assert list(misnamed_commands(root, house)) == []


def test_actions(root: Path, house: list[Any]) -> None:
    assert list(misnamed_actions(root, house)) == []


def test_connectors(root: Path, house: list[Any]) -> None:
    assert list(untested_connectors(root, house)) == []


def test_playbooks(root: Path) -> None:
    assert list(misnamed_playbooks(root)) == []
    assert len(list((root / "playbooks/library").rglob("*.yaml"))) >= 9


COMMAND = '@command("{words}")\nclass X(Command):\n    """Do."""\n'
ACTION = '@action("{name}", risk=Risk.READ, again=Again.SAFE)\nclass X(Action):\n    """Look."""\n'
TEST = "def test_it() -> None:\n    assert True\n"  # the text of a planted file, never run


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        ({"commands/incident/note.py": COMMAND.format(words="incident remark")}, "its path says ['incident note']"),
        ({"commands/incident/note.py": COMMAND.format(words="playbook note")}, "its path says ['incident note']"),
        ({"commands/incident/note.py": "x = 1\n"}, "declares []"),
        ({"commands/incident/note.py": COMMAND.format(words="incident note") * 2}, "declares ['incident note', "),
        ({"commands/places.py": COMMAND.format(words="incident note")}, "outside its topic"),
        ({"commands/incident/sev.py": COMMAND.format(words="incident sev")}, "no tests/commands/incident/test_sev.py"),
        ({"commands/incident/sev.py": COMMAND.format(words="incident sev"),
          "tests/commands/incident/test_sev.py": "x = 1\n"}, "tests nothing"),
    ],
)  # fmt: skip
def test_a_misnamed_command_is_found(
    planted: Callable[..., Any], tmp_path: Path, files: dict[str, str], finding: str
) -> None:
    extra = {"tests/commands/incident/test_note.py": TEST}
    found = list(misnamed_commands(tmp_path, planted({**extra, **files})))
    assert len(found) == 1
    assert finding in found[0]


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        ({"playbooks/actions/http/probe.py": ACTION.format(name="http.look")}, "its path says ['http.probe']"),
        ({"playbooks/actions/http/probe.py": "x = 1\n"}, "declares []"),
        ({"playbooks/actions/probe.py": ACTION.format(name="http.probe")}, "outside its vendor"),
        ({"playbooks/actions/http/get.py": ACTION.format(name="http.get")}, "no tests/playbooks/actions/http/test_get.py"),
    ],
)  # fmt: skip
def test_a_misnamed_action_is_found(
    planted: Callable[..., Any], tmp_path: Path, files: dict[str, str], finding: str
) -> None:
    extra = {"tests/playbooks/actions/http/test_probe.py": TEST}
    found = list(misnamed_actions(tmp_path, planted({**extra, **files})))
    assert len(found) == 1
    assert finding in found[0]


def test_an_untested_connector_is_found(planted: Callable[..., Any], tmp_path: Path) -> None:
    sources = planted({"playbooks/connectors/fax.py": "x = 1\n"})
    assert list(untested_connectors(tmp_path, sources)) == [
        "playbooks/connectors/fax.py has no tests/playbooks/connectors/test_fax.py"
    ]


def test_a_misnamed_playbook_is_found(planted: Callable[..., Any], tmp_path: Path) -> None:
    planted({
        "playbooks/library/comms/update.yaml": "name: comms/updates\n",
        "playbooks/library/comms/tell.yml": "name: comms/tell\n",
        "playbooks/library/comms/post.yaml": "name: comms/post\n",
    })  # fmt: skip
    found = list(misnamed_playbooks(tmp_path))
    assert [line.partition(" ")[0].rpartition("/")[2] for line in found] == ["tell.yml", "update.yaml"]
