"""What follows when the canary is below its threshold: it fails at once, and what was flipped or broken is taken back.

Belongs here: that way through the rehearsals, game days and the failover of a region. Does not belong here: the good way
and failures of single requests (test_library.py, by the entries).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.library.entry import entry_of
from tests.library.prepared import machine
from tests.library.stage import Stage, Theatre

Played = Callable[[str], AbstractAsyncContextManager[tuple[Stage, str, dict[str, str]]]]


@pytest.fixture
async def played(sqlite_template: Path, tmp_path: Path, server: URL) -> AsyncIterator[Played]:
    """played(name): the stage, the run's state and its steps' states, with a canary that scores 0.5."""
    shared = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Theatre(sqlite_template, tmp_path, shared) as theatre:

        @asynccontextmanager
        async def play(name: str) -> AsyncIterator[tuple[Stage, str, dict[str, str]]]:
            entry = entry_of(name)

            async def sick(stage: Stage) -> None:
                stage.sandbox.outside.canary = {"canary_score": 0.5}
                if entry.prepare is not None:
                    await entry.prepare(stage)

            async with theatre.stage(replace(entry, prepare=sick)) as stage:
                run = await stage.play(name)
                yield stage, run.state, {step.id: step.state for step in await stage.steps(run.id)}

        yield play


async def test_a_canary_below_its_threshold_stops_at_once_and_leaves_nothing_flipped_or_broken(played: Played) -> None:
    async with played("drill/full-stack-rehearsal") as (stage, run, steps):
        assert (run, steps["canary"], steps["back"]) == ("incomplete", "failed", "succeeded")
        assert [one["body"]["region"] for one in stage.sandbox.outside.taken] == ["us-west-2", None]
        assert len([call for call in stage.sandbox.wire.calls if call.method == "canary"]) <= 2, "asked once in the run"
    async with played("gameday/storage-failover") as (stage, run, steps):
        assert (run, steps["serves"], steps["mend"], steps["canary"]) == ("paused", "failed", "succeeded", "failed")
        assert machine(stage, "staging").failed == {"storage_failover"} and not machine(stage, "staging").failing
    async with played("failover/region") as (stage, run, steps):
        assert (run, steps["canary"], steps["dns"], steps["replay"]) == ("paused", "failed", "pending", "pending")
        assert [one["hook"] for one in stage.sandbox.outside.taken] == ["service_discovery"]
