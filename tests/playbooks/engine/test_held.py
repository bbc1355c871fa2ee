"""Outcomes that come in late are written once, whatever becomes of the answer to their commit."""

from __future__ import annotations

import time
from typing import Any

import pytest

from playbooks.engine.held import Held
from playbooks.engine.transition import Changes, Fence
from storage import runs, timeline
from storage.db import Database, Unreachable
from storage.tables import runs as run_rows


class Deaf(Database):
    """Commits, and the answer to a commit that wrote `step.late` is lost so many times."""

    lost = 0

    async def write(self, work: Any) -> Any:
        def counted(tx: Any) -> tuple[Any, int]:
            before = len(timeline.read(tx, "org", types=("step.late",)))
            result = work(tx)
            return result, len(timeline.read(tx, "org", types=("step.late",))) - before

        result, late = await super().write(counted)
        if late and self.lost:
            self.lost -= 1
            raise Unreachable("The database did not answer (lost)")
        return result


@pytest.fixture
async def deaf(url: str) -> Any:
    db = Deaf(url)
    yield db
    await db.close()


def came_in(tx: Any, run: runs.Run, step: runs.Step) -> Changes:
    """What the call came back with."""
    changes = Changes(steps={step.idx: {"state": "succeeded", "outputs": {"name": "x"}}})
    changes.told("step.succeeded", step)
    return changes


async def test_a_late_outcome_is_written_once(deaf: Deaf, stage: Any) -> None:
    engine = stage.engine("old", deaf)
    run = await stage.request("  - {id: one, uses: toy.never, with: {tag: one}}\n", engine)
    taken = {"lease_owner": "new", "fence": 2, "state": "running"}
    await stage.db.write(lambda tx: tx.conn.execute(run_rows.update().where(run_rows.c.id == run).values(**taken)))
    deaf.lost = 2
    held = Held(engine.house, run, Fence("old", 1), None, time.monotonic())  # type: ignore[arg-type]
    await held.settle(1, came_in, 1)
    assert held.lost and deaf.lost == 1, "its second try found what the first had written"
    (told,) = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("step.late",)))
    assert told.body["fence"] == 1 and told.body["came_as"] == "succeeded"
    # The outcome of another call of the same attempt is another fact.
    deaf.lost = 0
    await Held(engine.house, run, Fence("older", 0), None, time.monotonic()).settle(1, came_in, 1)  # type: ignore[arg-type]
    told = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("step.late",)))
    assert [event.body["fence"] for event in told] == [1, 0]
