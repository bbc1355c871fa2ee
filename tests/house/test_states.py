"""docs/states.md draws the tables of moves; this holds it equal to them. `UPDATE_DOCS=1` draws it again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from playbooks.engine import moves

PAGE = Path(__file__).resolve().parents[2] / "docs/states.md"
INTRO = """# Every state, every move

Drawn from `playbooks/engine/moves.py` (`UPDATE_DOCS=1`); a test holds this page equal to it. A move that is not here cannot happen:
the one writer of statuses refuses it. The words on the arrows are the reasons; what leads to a black dot is an end.
"""
ABOUT = {
    "run": "One execution of a playbook. *paused* waits for a person's decision; *waiting* for an answer, a vote or a time.",
    "step": "One action call of a run. *started* is written before the effect, *done* the moment it returned, then it is verified.",
    "approval": "A request bound to one digest. That of a stage stays *granted* until its last step began.",
    "decision": "What takes two people and is no step of a run.",
    "review": "A second person looks at what one person decided alone.",
}


def diagram(table: Mapping[tuple[str, str], str]) -> str:
    """One mermaid state diagram: the first move's state is the beginning, states that nothing leaves are ends."""
    first = next(iter(table))[0]
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {before} --> {after}: {_plain(why)}" for (before, after), why in table.items()]
    leaving = {before for before, _ in table}
    ends = dict.fromkeys(after for _, after in table if after not in leaving)
    return "\n".join([*lines, *(f"    {state} --> [*]" for state in ends)])


def _plain(words: str) -> str:
    """Mermaid reads colons and semicolons as its own."""
    return words.replace(": ", ", ").replace(";", ",")


def page() -> str:
    """All of docs/states.md."""
    parts = [INTRO]
    for what, table in moves._TABLES.items():
        rows = "\n".join(f"| {before} | {after} | {why} |" for (before, after), why in table.items())
        parts.append(
            f"## {what.capitalize()}\n\n{ABOUT[what]}\n\n```mermaid\n{diagram(table)}\n```\n\n"
            f"| from | to | because |\n|---|---|---|\n{rows}\n"
        )
    return "\n".join(parts)


def test_the_page_is_what_the_tables_say() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "UPDATE_DOCS=1 draws it again"


def test_every_move_is_an_arrow_and_only_those() -> None:
    for table in moves._TABLES.values():
        arrows = [line.strip().partition(":")[0] for line in diagram(table).splitlines() if ":" in line]
        assert arrows == [f"{before} --> {after}" for before, after in table]


def test_a_changed_table_changes_the_picture() -> None:
    table = {("open", "done"): "because: it is; so"}
    assert "open --> done: because, it is, so" in diagram(table) and "done --> [*]" in diagram(table)
    assert diagram({**table, ("done", "open"): "again"}) != diagram(table)
