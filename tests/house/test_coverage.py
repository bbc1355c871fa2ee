"""docs/coverage.md: one row per procedure in the runbooks Muster grew from, drawn from docs/coverage/*.yaml.

A row is `{procedure, playbooks: [name or name#step], commands: [...], note}`. Which steps are automatic, what they use
and which test plays them is read off the playbooks, so that the page cannot promise what is not there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.render.runbook import kind_of
from commands.command import load_commands
from playbooks.engine.library import Library
from playbooks.engine.model import Playbook, Step

ROOT = Path(__file__).parents[2]
PAGE, FOLDER = ROOT / "docs/coverage.md", ROOT / "docs/coverage"
LIBRARY = Library([ROOT / "playbooks/library"])
# Playbooks no procedure asks for by itself: Muster runs them for a command or a timer of its own.
OWN = frozenset({
    "alert/acknowledge", "cancel/default", "close/archive", "comms/acknowledge", "comms/acted-alone", "comms/approvers-answered", "comms/ask-again",
    "comms/escalate", "comms/page", "comms/page-approvers",
    "declare/imported", "followup/look", "record/anchor", "role/assign", "service/record",
})  # fmt: skip
HEAD = """# What became of each procedure

Drawn from `docs/coverage/*.yaml` and the playbooks themselves by `tests/house/test_coverage.py`; do not edit. *automatic*:
nobody is asked for anything but approval; *assisted*: people answer some steps; *human*: people do all of it, and Muster
asks, times and records. Every playbook is played in `tests/library`, by the entry of its name.
"""


def rows(file: Path) -> list[dict[str, Any]]:
    found = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return list(found or [])


def title(file: Path) -> str:
    return file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ").rstrip(".")


def steps_of(name: str) -> tuple[Playbook, list[Step]]:
    """The playbook behind `name` or `name#step`, and the steps meant. Raises LookupError or Refused."""
    called, _, step = name.partition("#")
    found = LIBRARY.find(called)
    return found, [found.step(step)] if step else list(found.steps)


def entry(name: str) -> str:
    return f"tests/library/{name.replace('-', '_')}.py"


def problems(file: Path, row: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one row, in words."""
    where = f"{file.name}: {row.get('procedure', row)}"
    if unknown := set(row) - {"procedure", "playbooks", "commands", "note"}:
        yield f"{where}: nobody knows {sorted(unknown)}"
    if not (row.get("playbooks") or row.get("commands")):
        yield f"{where}: neither a playbook nor a command does it"
    for name in row.get("playbooks", ()):
        called, _, step = name.partition("#")
        if called not in LIBRARY.names():
            yield f"{where}: there is no playbook {called}"
            continue
        if step and step not in {one.id for one in LIBRARY.find(called).steps}:
            yield f"{where}: {called} has no step {step}"
        if not (ROOT / entry(called)).is_file():
            yield f"{where}: {called} is not played: {entry(called)} is missing"
    known = load_commands()
    for line in row.get("commands", ()):
        if line.startswith("/") and " ".join(line[1:].split()[:2]) not in known:
            yield f"{where}: there is no command {line}"


def drawn() -> str:
    """The page."""
    parts = [HEAD]
    for file in sorted(FOLDER.glob("*.yaml")):
        parts.append(f"\n## {title(file)}\n\n| procedure | done by | how | uses | test |\n|---|---|---|---|---|\n")
        parts += [_row(row) + "\n" for row in rows(file)]
    return "".join(parts)


def _row(row: dict[str, Any]) -> str:
    names = row.get("playbooks", [])
    found = [steps_of(name) for name in names]
    by = [f"[`{name}`](../playbooks/library/{name.partition('#')[0]}.yaml)" for name in names]
    by += [f"`{line}`" for line in row.get("commands", ())]
    kinds = {_kind(playbook, steps) for playbook, steps in found}
    how = next(iter(kinds)) if len(kinds) == 1 else "assisted" if kinds else "command"
    uses = list(dict.fromkeys(step.uses for _, steps in found for step in steps))
    tests = list(dict.fromkeys(entry(playbook.name) for playbook, _ in found))
    what = row["procedure"] + (f". {row['note']}" if row.get("note") else "")
    cells = (
        what,
        "<br>".join(by),
        how,
        ", ".join(f"`{one}`" for one in uses),
        "<br>".join(f"`{one}`" for one in tests),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kind(playbook: Playbook, steps: list[Step]) -> str:
    if len(steps) == len(playbook.steps):
        return kind_of(playbook)
    return "human" if all(step.uses.startswith("human.") for step in steps) else "automatic"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_row_is_true(file: Path) -> None:
    assert [said for row in rows(file) for said in problems(file, row)] == []


def test_every_playbook_stands_for_a_procedure() -> None:
    named = {
        name.partition("#")[0]
        for file in FOLDER.glob("*.yaml")
        for row in rows(file)
        for name in row.get("playbooks", ())
    }
    assert sorted(set(LIBRARY.names()) - named - OWN) == [], "add it to docs/coverage/*.yaml"
    assert sorted(OWN - set(LIBRARY.names())) == []


def test_the_page_is_what_the_rows_say() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(drawn(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == drawn(), "UPDATE_DOCS=1 draws it again"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"procedure": "x"}, "neither a playbook nor a command"),
        ({"procedure": "x", "playbooks": ["failover/none"]}, "no playbook failover/none"),
        ({"procedure": "x", "playbooks": ["failover/rds-multi-az#none"]}, "has no step none"),
        ({"procedure": "x", "commands": ["/incident dance"]}, "no command /incident dance"),
        ({"procedure": "x", "commands": ["/incident declare"], "test": "y"}, "nobody knows ['test']"),
    ],
)
def test_a_planted_untrue_row_is_found(row: dict[str, Any], words: str) -> None:
    assert any(words in said for said in problems(Path("x.yaml"), row))
