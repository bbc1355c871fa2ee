"""docs/states.md draws the tables of moves; this holds it equal to them. `UPDATE_DOCS=1` draws it again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from playbooks.engine import moves

PAGE = Path(__file__).resolve().parents[2] / "docs/states.md"
INTRO = """# Every state, every move

Drawn from `playbooks/engine/moves.py` (`UPDATE_DOCS=1`); a test holds this page equal to it. A move that is not here cannot happen:
the one writer of statuses refuses it. The numbers on the arrows are the rows of the table below; what leads to a ringed dot is an end.
"""
# States whose arrows would cross everything else: they get a picture of their own, with what leads there and back.
ASIDE = {"step": (("failed", "skipped"), ("aborted",))}
ABOUT = {
    "run": "One execution of a playbook. *paused* waits for a person's decision; *waiting* for an answer, a vote or a time.",
    "step": "One action call of a run. *started* is written before the effect, *done* the moment it returned, then it is verified. "
    "Three pictures: the way through, then *failed* and *skipped*, then *aborted*.",
    "approval": "A request bound to one digest. That of a stage stays *granted* until its last step began.",
    "decision": "What takes two people and is no step of a run.",
    "review": "A second person looks at what one person decided alone.",
}


def diagrams(what: str, table: Mapping[tuple[str, str], str]) -> list[str]:
    """Its mermaid state diagrams: the way through, then one for each group of states that stand aside."""
    numbered = {move: number for number, move in enumerate(table, 1)}
    groups: list[dict[tuple[str, str], int]] = []
    for states in reversed(ASIDE.get(what, ())):
        groups.insert(0, {move: number for move, number in numbered.items() if {*move} & {*states}})
        numbered = {move: number for move, number in numbered.items() if move not in groups[0]}
    return [diagram(numbered, table, begins=True), *(diagram(arrows, table) for arrows in groups)]


def diagram(
    arrows: Mapping[tuple[str, str], int], table: Mapping[tuple[str, str], str], *, begins: bool = False
) -> str:
    """One of them. The first move's state is the beginning, states that nothing in the table leaves are ends."""
    leaving = {before for before, _ in table}
    lines = ["stateDiagram-v2", *([f"    [*] --> {next(iter(table))[0]}"] if begins else [])]
    lines += [f"    {before} --> {after}: {number}" for (before, after), number in arrows.items()]
    ends = dict.fromkeys(after for _, after in arrows if after not in leaving)
    return "\n".join([*lines, *(f"    {state} --> [*]" for state in ends)])


def page() -> str:
    """All of docs/states.md."""
    parts = [INTRO]
    for what, table in moves._TABLES.items():
        moved = enumerate(table.items(), 1)
        rows = "\n".join(f"| {number} | {before} | {after} | {why} |" for number, ((before, after), why) in moved)
        pictures = "\n\n".join(f"```mermaid\n{one}\n```" for one in diagrams(what, table))
        parts.append(
            f"## {what.capitalize()}\n\n{ABOUT[what]}\n\n{pictures}\n\n"
            f"| | from | to | because |\n|---|---|---|---|\n{rows}\n"
        )
    return "\n".join(parts)


def test_the_page_is_what_the_tables_say() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "UPDATE_DOCS=1 draws it again"


def test_every_move_is_an_arrow_once_under_its_number() -> None:
    for what, table in moves._TABLES.items():
        lines = [line.strip() for one in diagrams(what, table) for line in one.splitlines() if ": " in line]
        wanted = [f"{before} --> {after}: {number}" for number, (before, after) in enumerate(table, 1)]
        assert sorted(lines) == sorted(wanted)


def test_a_changed_table_changes_the_picture() -> None:
    table = {("open", "done"): "it is so", ("open", "failed"): "it is not"}
    one, aside, none = diagrams("step", {**table, ("open", "aborted"): "enough"})
    assert "[*] --> open" in one and "open --> done: 1" in one and "done --> [*]" in one and "failed" not in one
    assert (
        "open --> failed: 2" in aside and "[*] --> " not in aside and "failed --> [*]" in aside and "aborted: 3" in none
    )
    again = {**table, ("done", "open"): "again"}
    assert "done --> [*]" not in diagrams("run", again)[0] and len(diagrams("run", again)) == 1
