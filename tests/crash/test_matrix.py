"""kill -9 at every commit, and in the middle of every effect, on both databases: nothing is doubled, lost or stuck.

One run holds one of each: a probe, keyed writes (one gives a fact), writes that must not be repeated, lanes, a timed
wait, a question and a destructive step whose verification parks between looks. A victim is killed just before or just
after its n-th commit; a fresh one drives on; people vote and answer whenever they are asked.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from storage import runs, timeline
from tests.crash.outside import Outside
from tests.crash.scene import Nursery, all_of

pytestmark = pytest.mark.timeout(300)
DESTROY = """
name: crash/destroy
title: Destroy
steps:
  - {id: destroy, uses: crash.destroy, with: {tag: destroy}}
"""


async def _commits(scene: Any, outside: Outside, folder: Path) -> int:
    """How many commits a run takes when nothing happens to it."""
    async with scene() as stage:
        cell, report = outside.cell("quiet"), folder / "quiet.txt"
        run = await stage.request()
        victim = await stage.hatch("quiet", report=str(report))
        await stage.settled(run, cell)
        assert await victim.stop() == 0
        assert await stage.problems(run, cell) == []
        assert cell.looks["verify", "destroy"] == 2, "verify parked between two looks"
        return len(report.read_text().splitlines())


async def _struck(scene: Any, outside: Outside, name: str, strike: dict[str, Any]) -> tuple[bool, list[str]]:
    """One cell: a victim struck there, then a fresh one to the end."""
    async with scene() as stage:
        cell = outside.cell(name)
        run = await stage.request()
        first = await stage.hatch(name, strike=strike)
        await stage.settled(run, cell, watch=[first])
        struck = first.dead
        if struck:
            await stage.hatch(name)
            await stage.settled(run, cell)
        return struck, await stage.problems(run, cell)


BLOWS = {"before": "killed before the commit", "after": "killed after it", "unanswered": "committed, but not told so"}


@pytest.mark.parametrize("share", [0, pytest.param(1, marks=pytest.mark.soak)])
async def test_struck_at_every_commit(
    scene: Any, outside: Outside, nursery: Nursery, backend: str, share: int, tmp_path: Path
) -> None:
    """Share 0 kills at every commit, before it on one database and after it on the other; share 1 does the rest."""
    commits = await _commits(scene, outside, tmp_path)
    odd = backend == "sqlite"
    every = [(at, n, when) for at in range(1, commits + 1) for n, when in enumerate(BLOWS)]
    first = [cell for cell in every if cell[2] != "unanswered" and (cell[0] + cell[1]) % 2 == odd]
    cells = [(at, when) for at, n, when in every if ((at, n, when) in first) == (share == 0)]
    killed = []

    async def one(cell: tuple[int, str]) -> list[str]:
        at, when = cell
        struck, bad = await _struck(scene, outside, f"{when}-{at}", {"at": at, "when": when})
        killed.append(struck)
        return bad

    bad = await all_of(cells, one)
    deadly = [cell for cell in cells if cell[1] != "unanswered"]
    print(f"\n{backend}: {len(cells)} cells at {commits} commits, {sum(killed)} kills, {len(bad)} problems")
    assert not bad, "\n".join(bad)
    assert sum(killed) >= len(deadly) - 4, "lanes may save a commit or two, not more"


CALLS = [
    ("look", "look"), ("do", "open"), ("do", "change-made-open"), ("do", "a1"), ("do", "a2"), ("do", "b1"),
    ("do", "c1"), ("plan", "destroy"), ("do", "destroy"), ("verify", "destroy"), ("do", "made-destroy"),
]  # fmt: skip


async def test_killed_in_the_middle_of_every_call(scene: Any, outside: Outside, backend: str) -> None:
    """The outside has the call: before it did anything, or having done everything but answer."""

    async def one(call: tuple[str, str, str]) -> list[str]:
        async with scene() as stage:
            cell = outside.cell("-".join(call), hang=call)
            run = await stage.request()
            first = await stage.hatch(cell.name)
            driving = asyncio.create_task(stage.settled(run, cell, watch=[first]))
            await asyncio.wait_for(cell.hung.wait(), 30)
            await first.kill()
            await driving
            cell.release.set()
            await stage.hatch(cell.name)
            await stage.settled(run, cell)
            return await stage.problems(run, cell)

    bad = await all_of([(*call, phase) for call in CALLS for phase in ("before", "after")], one)
    print(f"\n{backend}: killed in the middle of {len(CALLS)} calls, twice each, {len(bad)} problems")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("phase", ["before", "after"])
async def test_a_person_is_asked_where_looking_cannot_tell(scene: Any, outside: Outside, phase: str) -> None:
    """A destructive outcome is lost and the outside is silent: nothing is repeated until a person has said so."""
    async with scene() as stage:
        cell = outside.cell(f"silent-{phase}", hang=("do", "destroy", phase), tells=False)
        run = await stage.request(DESTROY)
        first = await stage.hatch(cell.name)
        driving = asyncio.create_task(stage.settled(run, cell, watch=[first]))
        await asyncio.wait_for(cell.hung.wait(), 30)
        await first.kill()
        await driving
        cell.release.set()
        await stage.hatch(cell.name)
        asked = await stage.until(lambda tx: (step := runs.steps_of(tx, run)[0]).state == "asking" and step)
        assert first.replica in asked.question["shown"], "the person sees whose outcome it was"
        assert len(cell.calls) == 1
        await stage.settled(run, cell)
        assert await stage.problems(run, cell) == []
        kinds = [event.type for event in await stage.db.read(lambda tx: timeline.read(tx, run.rpartition("/")[0]))]
        assert kinds.count("approval.granted") == (2 if phase == "before" else 1), "did-not asks for approval again"


async def test_a_new_process_of_the_same_name_takes_its_runs_over(scene: Any, outside: Outside) -> None:
    """A pod that is restarted keeps its name: it must not keep the dead one's leases alive."""
    async with scene() as stage:
        cell = outside.cell("namesake", hang=("do", "open", "after"))
        run = await stage.request()
        first = await stage.hatch(cell.name, replica="pod-0")
        await asyncio.wait_for(cell.hung.wait(), 30)
        await first.kill()
        cell.release.set()
        await stage.hatch(cell.name, replica="pod-0")
        await stage.settled(run, cell, timeout=15)
        assert await stage.problems(run, cell) == []
