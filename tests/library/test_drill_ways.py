"""The ways through drills that their entries do not take: nothing is promoted, a row is lost, no alert fires.

Belongs here: that what a drill broke is put right, or waits where that would lose data. Does not belong here: the good
way and failures of single requests (test_library.py, by the entries).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import URL

from bot.sandbox.host.pair import PRIMARY
from playbooks.engine.leftovers import undo
from storage import runs
from tests.library.crew import ANA
from tests.library.entry import entry_of
from tests.library.prepared import machine, nothing_left
from tests.library.stage import Stage, Theatre


async def states(stage: Stage, run: str) -> dict[str, str]:
    return {step.id: step.state for step in await stage.steps(run)}


async def taken_back(stage: Stage, run: str, id: str) -> runs.Run:
    """Ana undoes that step; the run that does it, once it rests."""
    step = next(one for one in await stage.steps(run) if one.id == id)
    actor = stage.crew.actor(ANA)
    await stage.db.write(
        lambda tx: undo(tx, stage.engine, run=run, actor=actor, reason="it did not take over", step=str(step.idx))
    )
    await stage.rests()
    every = await stage.db.read(lambda tx: runs.of_incident(tx, str(stage.incident)))
    return max(every, key=lambda one: one.created_at)


async def forgetful(stage: Stage) -> None:
    """The replica lacks what was written last."""
    pair = machine(stage, "staging").pair
    pair.write = lambda name, text: pair.held[name].append(text) is None  # type: ignore[method-assign]


async def alone(stage: Stage) -> None:
    """Nothing promotes the replica."""
    machine(stage, "staging").pair.manager = False


async def test_what_a_drill_broke_is_put_right_or_waits(sqlite_template: Path, tmp_path: Path, server: URL) -> None:
    shared, name = server.set(drivername="postgresql").render_as_string(hide_password=False), "drill/database-primary"
    async with Theatre(sqlite_template, tmp_path, shared) as theatre:
        async with theatre.stage(replace(entry_of(name), prepare=forgetful)) as stage:
            run, host = await stage.play(name), machine(stage, "staging")
            seen = await states(stage, run.id)
            assert (run.state, seen["survived"], seen["rejoin"]) == ("paused", "failed", "pending")
            back = await taken_back(stage, run.id, "stop")
            assert back.state != "succeeded" and PRIMARY in host.pair.down, "never a second writer"
            assert not any("rejoin" in line or "docker start" in line for line in host.ran)
        async with theatre.stage(replace(entry_of(name), prepare=alone)) as stage:
            run, host = await stage.play(name), machine(stage, "staging")
            assert (run.state, (await states(stage, run.id))["promoted"]) == ("paused", "failed")
            back = await taken_back(stage, run.id, "stop")
            assert back.state == "succeeded" and host.pair.streams(PRIMARY)
            await nothing_left(stage)
        quiet = {"service": "corporate-intel", "alert": "NobodyWroteIt"}
        async with theatre.stage(replace(entry_of("drill/disk-full"), inputs=quiet)) as stage:
            run, host = await stage.play("drill/disk-full"), machine(stage, "staging")
            assert (run.state, (await states(stage, run.id))["alert"]) == ("incomplete", "failed")
            assert host.disk_used == 61
            await nothing_left(stage)
