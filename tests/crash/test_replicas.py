"""Two replicas on one PostgreSQL: random kills, a replica stopped beyond its lease, and how long a takeover takes."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from storage import leases, runs, timeline
from tests.crash.outside import Cell, Outside
from tests.crash.scene import ENDED, Scene, problems, unproven

pytestmark = pytest.mark.timeout(200)

MIXED = """
name: crash/mixed
title: A bit of everything
steps:
  - {id: open, uses: crash.open, with: {tag: "open-${{ run.id }}"}}
  - id: lanes
    parallel:
      a:
        - {id: a1, uses: crash.never, with: {tag: "a1-${{ run.id }}"}}
      b:
        - {id: b1, uses: crash.keyed, with: {tag: "b1-${{ run.id }}"}}
  - {id: destroy, uses: crash.destroy, with: {tag: "destroy-${{ run.id }}"}}
  - {id: last, uses: crash.wait, with: {tag: "last-${{ run.id }}"}}
"""
ONE = """
name: crash/one
title: One step
steps:
  - {id: one, uses: crash.%s, with: {tag: one}}
"""


@pytest.fixture
def backend() -> str:
    return "postgresql"


@pytest.fixture
async def stage(scene: Any) -> AsyncIterator[Scene]:
    async with scene() as made:
        yield made


async def events(stage: Scene, run: str) -> list[timeline.Event]:
    return await stage.db.read(lambda tx: timeline.read(tx, run.rpartition("/")[0]))


@pytest.mark.parametrize("seconds", [10, pytest.param(240, marks=[pytest.mark.soak, pytest.mark.timeout(400)])])
async def test_random_kills_double_lose_and_strand_nothing(stage: Scene, outside: Outside, seconds: float) -> None:
    dice, cell = random.Random(20260301), outside.cell("mixed")
    victims = [await stage.hatch("mixed") for _ in range(2)]
    going: set[str] = set()
    every: list[str] = []
    kills, until, deadline = 0, time.monotonic() + seconds, time.monotonic() + seconds + 120
    next_kill = time.monotonic() + 0.5
    while (on := time.monotonic() < until or kills <= seconds / 3) or going:
        assert time.monotonic() < deadline, f"neither ended nor waiting for a person: {sorted(going)}"
        while on and len(going) < 10:
            run = await stage.request(MIXED)
            going.add(run)
            every.append(run)
        if on and next_kill <= time.monotonic():
            which = dice.randrange(2)
            await victims[which].kill()
            victims[which] = await stage.hatch("mixed")
            kills += 1
            next_kill = time.monotonic() + dice.uniform(0.2, 1.2)
        for run in sorted(going):
            if (await stage.people(run, cell)).state in (*ENDED, "paused"):
                going.discard(run)
        await asyncio.sleep(0.05)
    bad = await stage.db.read(unproven)
    told = await _by_run(stage, every)
    parts = _parts(every, cell)
    for run in every:
        bad += await stage.db.read(lambda tx, run=run: _of(tx, run, parts[run], told[run]))
    made = Counter(effect[2] for effect in cell.effects if effect[0] in ("never", "destroy"))
    states = Counter([(await stage.db.read(lambda tx, run=run: runs.get(tx, run))).state for run in every])
    late = sum(event.type == "step.unknown" for run in every for event in told[run])
    print(
        f"\n{seconds} s, {kills} kills, {len(every)} runs {dict(states)}, {len(made)} effects that must be single, "
        f"{late} outcomes lost and found, doubled: {sum(n > 1 for n in made.values())}, stranded: {len(going)}"
    )
    assert not bad, "\n".join(bad)
    assert states["succeeded"] > states["paused"]
    # Where a kill falls is chance: in ten seconds it may miss every effect (the matrix aims), in four minutes it cannot.
    assert late > 0 or seconds < 60, "the kills must hit something"


async def _by_run(stage: Scene, every: list[str]) -> dict[str, list[timeline.Event]]:
    """The events about each run, from one reading of each timeline: thousands of runs share a few."""
    told: dict[str, list[timeline.Event]] = {run: [] for run in every}
    for stream in sorted({run.rpartition("/")[0] for run in every}):
        for event in await stage.db.read(lambda tx, stream=stream: timeline.read(tx, stream)):
            if event.body.get("run") in told:
                told[event.body["run"]].append(event)
    return told


def _parts(every: list[str], cell: Cell) -> dict[str, Cell]:
    """Each run's own part of the outside; its id stands in every key ("muster:INC-1/7:2:1")."""
    parts = {run: Cell(run) for run in every}
    for call in cell.calls:
        parts[call[2].split(":")[1]].calls.append(call)
    for effect in cell.effects:
        parts[effect[2].split(":")[1]].effects.append(effect)
    return parts


def _of(tx: Any, run: str, mine: Cell, told: list[timeline.Event]) -> list[str]:
    """Problems of one run among many."""
    state = runs.get(tx, run).state  # a step that died with two replicas waits for a person
    found = problems(tx, run, mine, state if state == "paused" else "succeeded", told)
    return [f"{run}: {problem}" for problem in found if "the facts are" not in problem]


@pytest.mark.parametrize("kind", ["never", "destroy"])
async def test_stopped_beyond_its_lease_in_mid_effect(stage: Scene, outside: Outside, kind: str) -> None:
    """The old replica wakes up with an outcome in its hands: fenced, and yet on the record."""
    cell = outside.cell("asleep", hang=("do", "one", "after"))
    run = await stage.request(ONE % kind)
    old = await stage.hatch("asleep")
    driving = asyncio.create_task(stage.settled(run, cell))
    await asyncio.wait_for(cell.hung.wait(), 20)
    old.signal(signal.SIGSTOP)
    await old.stopped()
    await stage.hatch("asleep")
    assert (await driving).state == "succeeded"
    cell.release.set()
    old.signal(signal.SIGCONT)
    await stage.until(lambda tx: timeline.read(tx, run.rpartition("/")[0], types=("step.late",)))
    assert await stage.problems(run, cell) == []
    assert len(cell.effects) == 1
    (late,) = [event for event in await events(stage, run) if event.type == "step.late"]
    assert late.body["came_as"] in ("done", "succeeded"), "what it was is on the record"


@pytest.mark.parametrize("kind", ["never", "destroy"])
async def test_stopped_inside_a_transaction_its_locks_are_freed(stage: Scene, outside: Outside, kind: str) -> None:
    """Asleep with the run's row locked and the start not committed: the database ends that, and another goes on."""
    cell = outside.cell("locked")
    run = await stage.request(ONE % kind)
    old = await stage.hatch("locked", strike={"label": "step.started:one", "when": "before", "signal": "STOP"})
    driving = asyncio.create_task(stage.settled(run, cell))
    await old.stopped()
    await stage.hatch("locked")
    assert (await driving).state == "succeeded"
    old.signal(signal.SIGCONT)
    await stage.until(lambda tx: (beat := leases.last_heartbeat(tx, old.replica)) and (tx.now - beat).seconds < 1)
    assert await stage.problems(run, cell) == []
    assert len(cell.calls) == 1


@pytest.mark.parametrize("kind", ["never", "destroy"])
async def test_stopped_between_started_and_the_effect(stage: Scene, outside: Outside, kind: str) -> None:
    """It sleeps with the start written and nothing made; another takes over. Awake, it must not make it again."""
    cell = outside.cell("late")
    run = await stage.request(ONE % kind)
    old = await stage.hatch("late", strike={"label": "step.started:one", "when": "after", "signal": "STOP"})
    driving = asyncio.create_task(stage.settled(run, cell))
    await old.stopped()
    assert cell.calls == []
    await stage.hatch("late")
    assert (await driving).state == "succeeded"
    old.signal(signal.SIGCONT)
    await stage.until(lambda tx: timeline.read(tx, run.rpartition("/")[0], types=("step.late",)))
    assert await stage.problems(run, cell) == []
    assert len(cell.calls) == 1, "the old one woke up and made it again"


async def test_takeover_at_default_settings_within_ten_seconds(scene: Any, outside: Outside) -> None:
    """Lease 6 s, poll 1 s: every run of a killed replica is in another's hands within 10 s."""
    settings = {"lease_s": 6.0, "poll_s": 1.0}

    async def once(pause: float) -> float:
        async with scene() as stage:
            cell = outside.cell(f"default-{pause}", hang=("do", "one", "before"))
            run = await stage.request(ONE % "never")
            first = await stage.hatch(cell.name, **settings)
            await asyncio.wait_for(cell.hung.wait(), 20)
            second = await stage.hatch(cell.name, **settings)
            await asyncio.sleep(pause)  # another phase of its renewals
            await first.kill()
            killed = time.monotonic()
            cell.release.set()
            await stage.until(lambda tx: runs.get(tx, run).lease_owner == second.replica)
            took = time.monotonic() - killed
            await stage.until(lambda tx: runs.get(tx, run).state == "succeeded")
            return took

    took = await asyncio.gather(*(once(pause) for pause in (0.0, 0.7, 1.3)))
    print(f"\ntakeover after SIGKILL at default settings: {', '.join(f'{s:.1f} s' for s in took)}")
    assert max(took) < 10


async def test_an_orderly_stop_hands_over_at_once_but_not_in_mid_effect(stage: Scene, outside: Outside) -> None:
    """SIGTERM gives parked runs back at once; one whose effect is being made is kept until its lease runs out."""
    cell = outside.cell("term", hang=("do", "one", "before"))
    run = await stage.request(ONE % "never")
    first = await stage.hatch("term", lease_s=2.0, grace_s=0.2)
    await asyncio.wait_for(cell.hung.wait(), 20)
    await stage.hatch("term", lease_s=2.0)
    stopping = time.monotonic()
    assert await first.stop() == 0
    cell.release.set()
    await stage.until(lambda tx: runs.get(tx, run).state == "succeeded")
    assert time.monotonic() - stopping > 1.0, "somebody looked for the effect while it was being made"
    assert await stage.problems(run, cell) == []
