"""The plays can fail: an action that tells people nothing, one that does it twice, one that goes on, a playbook unplayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playbooks.action import Act, Action, Again, Found, Nothing, Outputs, Plan, Risk, World, action
from playbooks.connectors.slack import Slack
from playbooks.engine.library import BUILT_IN, Library
from playbooks.errors import MusterError, Refused, Uncertain
from tests.library.entry import Entry, entry_of
from tests.library.stage import Theatre
from tests.library.suffering import all_suffered

PLAYBOOK = """
name: toys/broken
title: A broken one
steps:
  - {id: first, uses: toys.NAME, phase: assess}
  - {id: second, uses: slack.post, phase: communicate, with: {channel: C0INCIDENTS, text: second}}
"""


class _Post(Action):
    why_no_undo = "Only a test."

    async def plan(self, world: World) -> Plan:
        return Plan(targets=("slack:C0INCIDENTS",), effect="Post a line")

    async def run(self, act: Act) -> Outputs:
        await act.use(Slack).post("C0INCIDENTS", "first")
        return Nothing()

    async def reconcile(self, world: World) -> Found:
        return Found(False, "It is taken for not done without a look.")


@action("toys.twice", risk=Risk.WRITE, again=Again.NEVER)
class Twice(_Post):
    """Post a line, whatever is there already"""


@action("toys.silent", risk=Risk.WRITE, again=Again.NEVER)
class Silent(_Post):
    """Post a line, and say nothing of a failure"""

    async def run(self, act: Act) -> Outputs:
        try:
            return await super().run(act)
        except MusterError:
            raise Refused("No.") from None


@action("toys.strange", risk=Risk.WRITE, again=Again.NEVER)
class Strange(_Post):
    """Post a line, and break down where that fails"""

    async def run(self, act: Act) -> Outputs:
        try:
            return await super().run(act)
        except MusterError as error:
            raise KeyError(error.message) from None

    async def reconcile(self, world: World) -> Found:
        return Found(None, "Nobody looks.")


@action("toys.deaf", risk=Risk.WRITE, again=Again.NEVER)
class Deaf(_Post):
    """Post a line, and take every failure for success"""

    async def run(self, act: Act) -> Outputs:
        try:
            return await super().run(act)
        except (Refused, Uncertain):
            return Nothing()


@pytest.mark.parametrize(
    ("name", "modes", "finding"),
    [
        ("twice", ("lost",), "step 1 toys.twice did slack chat.postMessage 1 times too often"),
        ("silent", ("refused",), "step 1 has no words"),
        ("strange", ("refused",), "a fault in Muster"),
        ("deaf", ("refused",), "instead of"),
    ],
)
async def test_a_planted_fault_is_found(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, modes: Any, finding: str
) -> None:
    monkeypatch.setattr("tests.library.failing.MODES", modes)
    file = tmp_path / "own/toys/broken.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(PLAYBOOK.replace("NAME", name))
    library = Library([BUILT_IN, tmp_path / "own"])
    async with Theatre(sqlite_template, tmp_path, library=library) as theatre:
        problems = await all_suffered(theatre, "toys/broken", Entry())
    assert any(f"step 1 first, {modes[0]}" in problem and finding in problem for problem in problems), problems
    assert not [problem for problem in problems if "step 2 second" in problem], problems


async def test_it_is_found_behind_a_step_that_failed_too(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.library.failing.MODES", ("lost",))
    first, second = PLAYBOOK.replace("NAME", "twice").split("  - {id: ")[1:]
    file = tmp_path / "own/toys/broken.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(PLAYBOOK.partition("  - ")[0] + f"  - {{id: {second}  - {{id: {first}")
    async with Theatre(sqlite_template, tmp_path, library=Library([BUILT_IN, tmp_path / "own"])) as theatre:
        (problem,) = await all_suffered(theatre, "toys/broken", Entry())
    assert "step 2 toys.twice did slack chat.postMessage 1 times too often" in problem


def test_a_playbook_without_an_entry_is_found() -> None:
    with pytest.raises(LookupError, match=r"failover/to-nowhere has no tests/library/failover/to_nowhere\.py"):
        entry_of("failover/to-nowhere")
