"""The ways through the host playbooks that their entries do not take: a restart that does not help, a backup that is bad.

Belongs here: what follows from a person's skip or no, and what must stop in time. Does not belong here: the good way
and failures of single requests (test_library.py, by the entries).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from playbooks.engine.requests import skip
from storage import runs
from tests.library import holds
from tests.library.crew import ANA
from tests.library.entry import Entry, entry_of
from tests.library.prepared import machine
from tests.library.stage import Stage, Theatre


@pytest.fixture
async def theatre(sqlite_template: Path, tmp_path: Path, server: URL) -> AsyncIterator[Theatre]:
    shared = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Theatre(sqlite_template, tmp_path, shared) as found:
        yield found


async def states(stage: Stage, run: str) -> dict[str, str]:
    return {step.id: step.state for step in await stage.steps(run)}


async def skipped(stage: Stage, run: runs.Run) -> runs.Run:
    """Ana skips what failed, with a reason, and the run goes on."""
    actor = stage.crew.actor(ANA)
    await stage.db.write(lambda tx: skip(tx, stage.engine, run=run.id, actor=actor, reason="it does not help"))
    await stage.rests()
    return await stage.row(run.id)


def other(name: str, **more: Any) -> Entry:
    return replace(entry_of(name), **more)


async def sick(stage: Stage) -> None:
    """The database stays down, however often it is restarted."""
    found = machine(stage).containers["ecommerce_postgres"]
    found.sick, found.health = True, "unhealthy"


async def test_a_restart_that_does_not_help_asks_before_it_restores(theatre: Theatre) -> None:
    name = "host/database-container"
    entry = other(name, prepare=sick, answers={"restore_it": "yes"})
    async with theatre.stage(entry) as stage:
        run = await stage.play(name)
        seen = await states(stage, run.id)
        assert run.state == "paused" and seen["restart"] == "failed" and seen["after"] == "pending"
        assert machine(stage).databases["main"] == "rows now", "nothing is restored by itself"
        run = await skipped(stage, run)  # made anew, it is as sick: a restore into a database that is down is refused
        seen = await states(stage, run.id)
        assert (run.state, seen["restore_it"], seen["anew"]) == ("paused", "succeeded", "failed")
        run = await skipped(stage, run)
        seen, host = await states(stage, run.id), machine(stage)
        assert (run.state, seen["restore"]) == ("paused", "failed")
        failed = next(step for step in await stage.steps(run.id) if step.id == "restore")
        assert "database_ready says it ended with 2" in str(failed.error)
        assert host.databases["main"] == "rows now" and not any("restore-database" in line for line in host.ran)
        host.containers["ecommerce_postgres"].sick = False
        host.containers["ecommerce_postgres"].start()
        run = await stage.again(run.id)
        assert run.state == "succeeded" and host.databases == {"main": "main 3 h ago", "ai": "rows now"}
        assert sum("restore-database" in line for line in host.ran) == 1
        await holds.recorded(stage, run.id)
    async with theatre.stage(replace(entry, answers={"restore_it": ("no", "we repair it by hand")})) as stage:
        run = await skipped(stage, await stage.play(name))
        seen = await states(stage, run.id)
        assert (run.state, seen["restore_it"], seen["restore"]) == ("paused", "failed", "pending")
        assert machine(stage).databases["main"] == "rows now"


async def test_the_engine_is_reinstalled_only_when_people_skip_the_restart(theatre: Theatre) -> None:
    async def dead(stage: Stage) -> None:
        machine(stage).services["docker"], machine(stage).heals = "failed", False

    name = "host/engine-failure"
    async with theatre.stage(other(name, prepare=dead)) as stage:
        run = await stage.play(name)
        assert run.state == "paused" and not any("apt-get" in line for line in machine(stage).ran)
        run = await skipped(stage, run)
        seen, host = await states(stage, run.id), machine(stage)
        assert run.state == "succeeded" and (seen["reinstall"], seen["images"]) == ("succeeded", "skipped")
        assert host.well and sum("--reinstall" in line for line in host.ran) == 1


@pytest.mark.parametrize("name", ["host/ransomware-restore", "host/volume-corruption"])
async def test_no_volume_is_deleted_before_its_backups_are_sound(theatre: Theatre, name: str) -> None:
    async def bad(stage: Stage) -> None:
        prepare = entry_of(name).prepare
        assert prepare is not None
        await prepare(stage)
        for path, file in machine(stage).files.items():
            file.bad = path.startswith("/backups/postgres/ai_")

    async with theatre.stage(other(name, prepare=bad)) as stage:
        run = await stage.play(name)
        seen, host = await states(stage, run.id), machine(stage)
        assert run.state == "paused" and (seen["ai_sound"], seen["delete"]) == ("failed", "pending")
        assert "ecommerce_postgres_data" in host.volumes and not any("volume rm" in line for line in host.ran)


async def test_two_hosts_never_serve_and_a_broken_rule_is_named(theatre: Theatre) -> None:
    async with theatre.stage(other("host/dr-server", prepare=None)) as stage:  # production is well
        run = await stage.play("host/dr-server")
        down = next(step for step in await stage.steps(run.id) if step.id == "down")
        assert run.state == "paused" and "production is not down" in str(down.error)
        assert not machine(stage, "dr").ran

    async def old(stage: Stage) -> None:
        files = machine(stage).files
        for path in [path for path in files if path.startswith("/backups/postgres/main_")]:
            files[path].made_at -= 8 * 24 * 3600

    async with theatre.stage(other("backup/three-two-one", prepare=old)) as stage:
        run = await stage.play("backup/three-two-one")
        bad = [step for step, state in (await states(stage, run.id)).items() if state != "succeeded"]
        assert run.state == "incomplete" and bad == ["local", "retention"]


async def test_a_restore_that_brings_nothing_is_no_backup(theatre: Theatre) -> None:
    async def empty(stage: Stage) -> None:
        for path, file in machine(stage).files.items():
            file.content = "" if path.startswith("/backups/") else file.content

    async with theatre.stage(other("backup/restore-test", prepare=empty)) as stage:
        run = await stage.play("backup/restore-test")
        step = next(step for step in await stage.steps(run.id) if step.id == "restore")
        assert run.state == "paused" and "users is 0, less than 1" in str(step.error)


async def test_without_a_war_room_the_manager_is_confirmed(theatre: Theatre) -> None:
    entry = other("comms/contact-tree", incident={"severity": "sev2"})
    async with theatre.stage(entry) as stage:
        run = await stage.play("comms/contact-tree")
        seen = await states(stage, run.id)
        assert run.state == "succeeded" and not stage.sandbox.mail.kept
        assert [one for one in seen if seen[one] == "succeeded"] == ["invite", "pair"]


async def test_a_volume_is_held_by_a_container_that_is_only_stopped(theatre: Theatre) -> None:
    """Why the container is removed first: the stand-in refuses as Docker does."""
    from bot.sandbox.host import programs

    async with theatre.stage(Entry()) as stage:
        host = machine(stage)
        host.containers["ecommerce_postgres"].stop()
        remove = ["docker", "volume", "rm", "ecommerce_postgres_data"]
        assert programs.run(host, remove, ".")[0] == 1
        host.containers["ecommerce_postgres"].status = "removed"
        assert programs.run(host, remove, ".")[0] == 0
