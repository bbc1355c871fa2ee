"""kill -9 at every commit, and in the middle of every effect, on both databases: nothing is doubled, lost or stuck.

One run holds one of each: a probe, keyed writes (one gives a fact), writes that must not be repeated, lanes, a timed
wait, a question and a destructive step whose verification parks between looks. Short ones hold what people do: a stage,
retry, abort, undo, broken glass, looks far apart (plays.py). A victim is killed just before or just after a commit; a
fresh one drives on; people vote, answer and press whenever they are asked. Here each kind of commit is struck once;
`make soak` strikes every single one, each way.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playbooks.engine.load import load_text
from storage import runs, timeline
from tests.crash.outside import Outside
from tests.crash.plays import PLAYS, Play, also
from tests.crash.scene import Nursery, all_of

pytestmark = pytest.mark.timeout(300)
DESTROY = """
name: crash/destroy
title: Destroy
steps:
  - {id: destroy, uses: crash.destroy, with: {tag: destroy}}
"""


Strike = tuple[dict[str, Any], str]
BLOWS = {"before": "killed before the commit", "after": "killed after it", "unanswered": "committed, but not told so"}


async def _commits(scene: Any, outside: Outside, play: Play, folder: Path) -> list[list[str]]:
    """What each commit of a run wrote, when nothing happens to it."""
    async with scene() as stage:
        cell, report = outside.cell(f"{play.name}-quiet", **play.cell), folder / "quiet.txt"
        run = await stage.request(play.text)
        victim = await stage.hatch(cell.name, report=str(report))
        await stage.settled(run, cell, play=play)
        assert await victim.stop() == 0
        assert await _problems(stage, play, run, cell) == []
        if play.name == "all":
            assert cell.looks["verify", "destroy"] == 2, "verify parked between two looks"
        return [line.split()[2:] for line in report.read_text().splitlines()]


async def _problems(stage: Any, play: Play, run: str, cell: Any) -> list[str]:
    bad = await stage.problems(run, cell, state=play.ends)
    return [*bad, *await stage.db.read(lambda tx: also(tx, play, run, cell))]


async def _struck(
    scene: Any, outside: Outside, play: Play, name: str, strike: dict[str, Any]
) -> tuple[bool, list[str]]:
    """One cell: a victim struck there, then a fresh one to the end."""
    async with scene() as stage:
        cell = outside.cell(f"{play.name}-{name}", **play.cell)
        run = await stage.request(play.text)
        first = await stage.hatch(cell.name, strike=strike)
        await stage.settled(run, cell, watch=[first], play=play)
        struck = first.dead
        if struck:
            await stage.hatch(cell.name)
            await stage.settled(run, cell, play=play)
        return struck, await _problems(stage, play, run, cell)


def _aim(at: int, labels: list[str]) -> dict[str, Any]:
    """At the first commit that writes this event of that step; what names no step, at the n-th commit."""
    named = next((label for label in labels if ":" in label and not label.startswith("claim:")), None)
    return {"label": named} if named else {"at": at}


def _kinds(play: Play, commits: list[list[str]]) -> list[int]:
    """One commit (from 1) of each kind: what it wrote, of which action, and after what. Of a short run only those that
    the long one does not have, the last of each kind."""
    uses = {step.id: step.uses for step in load_text(play.text, "play.yaml").steps}
    found: dict[tuple[str, ...], int] = {}
    before: tuple[str, ...] = ()
    for at, labels in enumerate(commits, 1):
        named = [label.partition(":") for label in labels]
        kind = tuple(f"{what}:{uses.get(id, id)}" for what, _, id in named)
        if play.name == "all":
            found.setdefault(kind or ("", *before), at)
        elif kind and named[0][0] not in ("claim", "run.started") and named[0][2] != "before":
            found[kind] = at
        before = kind or before
    return sorted(found.values())


@pytest.mark.parametrize("name", PLAYS)
async def test_struck_at_each_kind_of_commit(
    scene: Any, outside: Outside, nursery: Nursery, backend: str, name: str, tmp_path: Path
) -> None:
    """Of the long run every other kind on each database; of the short ones before it here where it is after it there."""
    play, odd = PLAYS[name], backend == "sqlite"
    commits = await _commits(scene, outside, play, tmp_path)
    kinds = [_aim(at, commits[at - 1]) for at in _kinds(play, commits)]
    if name == "all":
        cells = [(aim, ("before", "after")[n // 2 % 2]) for n, aim in enumerate(kinds) if n % 2 == odd]
    else:
        cells = [(aim, ("before", "after")[(n + odd) % 2]) for n, aim in enumerate(kinds)]
    await _strike_all(scene, outside, play, cells, f"{backend} {name}")


@pytest.mark.soak
@pytest.mark.parametrize("name", PLAYS)
async def test_struck_at_every_commit(
    scene: Any, outside: Outside, nursery: Nursery, backend: str, name: str, tmp_path: Path
) -> None:
    """Every commit, before and after it and with its answer lost."""
    play = PLAYS[name]
    commits = await _commits(scene, outside, play, tmp_path)
    cells: list[Strike] = [({"at": at}, when) for at in range(1, len(commits) + 1) for when in BLOWS]
    await _strike_all(scene, outside, play, cells, f"{backend} {name}")


async def _strike_all(scene: Any, outside: Outside, play: Play, cells: list[Strike], what: str) -> None:
    killed = []

    async def one(cell: Strike) -> list[str]:
        aim, when = cell
        name = f"{when}-{next(iter(aim.values()))}".replace(":", "-")
        struck, bad = await _struck(scene, outside, play, name, {**aim, "when": when})
        killed.append(struck)
        return bad

    bad = await all_of(cells, one)
    deadly = [cell for cell in cells if cell[1] != "unanswered"]
    print(f"\n{what}: {len(cells)} cells, {sum(killed)} kills, {len(bad)} problems")
    assert not bad, "\n".join(bad)
    assert sum(killed) >= len(deadly) - max(2, len(deadly) // 5), "people and lanes may save a commit or two"


CALLS = [
    ("look", "look"), ("do", "open"), ("do", "change-made-open"), ("do", "a1"), ("do", "a2"), ("do", "b1"),
    ("do", "c1"), ("plan", "destroy"), ("do", "destroy"), ("verify", "destroy"), ("do", "made-destroy"),
]  # fmt: skip


@pytest.mark.parametrize("share", [0, pytest.param(1, marks=pytest.mark.soak)])
async def test_killed_in_the_middle_of_every_call(scene: Any, outside: Outside, backend: str, share: int) -> None:
    """The outside has the call: before it did anything, or having done everything but answer.

    Share 0 has each call once, on one database before and on the other after; share 1 does the rest.
    """

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

    odd = share + (backend == "sqlite")
    bad = await all_of([(*call, ("before", "after")[(n + odd) % 2]) for n, call in enumerate(CALLS)], one)
    print(f"\n{backend}: killed in the middle of {len(CALLS)} calls, {len(bad)} problems")
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


async def test_it_did_not_happen_in_the_middle_of_a_stage_leaves_no_old_approval(scene: Any, outside: Outside) -> None:
    """The first step of a stage is lost for good: a person's word ends what was approved for the rest of it, too."""
    async with scene() as stage:
        cell, play = outside.cell("silent-stage", hang=("do", "one", "before"), tells=False), PLAYS["stage"]
        run = await stage.request(play.text)
        first = await stage.hatch(cell.name)
        driving = asyncio.create_task(stage.settled(run, cell, watch=[first]))
        await asyncio.wait_for(cell.hung.wait(), 30)
        await first.kill()
        await driving
        cell.release.set()
        await stage.hatch(cell.name)
        await stage.settled(run, cell)
        assert await stage.problems(run, cell) == []
        old, new = await stage.db.read(lambda tx: runs.approvals_of(tx, run))
        assert (old.state, new.state) == ("void", "used") and old.reason == "a person says that step 2 did not happen"
        assert [part["index"] for part in new.covers["steps"]] == [2, 3], "bound together again"
        assert [tag for _, tag, _ in cell.effects] == ["before", "one", "two-made-one"]


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
