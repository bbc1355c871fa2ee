"""`transition` is the only writer of statuses: fenced, in the table, with its events, all of it or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from playbooks.engine.moves import IllegalMove
from playbooks.engine.transition import Changes, Fence, Fenced, lock, transition
from storage import runs, timeline
from storage.tables import cards, locks
from storage.tables import runs as table

STEPS = """
  - {id: one, uses: toy.keyed}
  - {id: two, uses: toy.never}
"""


async def leased(stage: Any, *, lease_s: float = 60.0) -> tuple[str, Fence]:
    run = await stage.request(STEPS, stage.engine())
    (taken,) = await stage.db.write(lambda tx: runs.claim(tx, "r1", limit=1, lease_s=lease_s))
    return run, Fence("r1", taken.fence + 1)


def write(run: str, changes: Changes, fence: Fence | None = None, **more: Any) -> Any:
    return lambda tx: transition(tx, lock(tx, run, fence, **more), changes)


async def run_of(stage: Any, run: str) -> runs.Run:
    return await stage.db.read(lambda tx: runs.get(tx, run))


async def test_the_holder_writes_and_the_revision_rises(stage: Any) -> None:
    run, fence = await leased(stage)
    before = await run_of(stage, run)
    changes = Changes(run={"state": "running"})
    changes.event("run.started", run=run)
    (seq,) = await stage.db.write(write(run, changes, fence))
    after = await run_of(stage, run)
    assert (after.state, after.revision) == ("running", before.revision + 1)
    (event,) = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("run.started",)))
    assert event.seq == seq
    await stage.db.write(write(run, Changes(), fence))
    assert (await run_of(stage, run)).revision == before.revision + 2


@pytest.mark.parametrize("wrong", [Fence("r2", 1), Fence("r1", 0), Fence("r1", 2)])
async def test_another_fence_writes_nothing(stage: Any, wrong: Fence) -> None:
    run, _ = await leased(stage)
    before = await run_of(stage, run)
    for outcome in (False, True):
        with pytest.raises(Fenced):
            await stage.db.write(write(run, Changes(run={"state": "running"}), wrong, outcome=outcome))
    assert await run_of(stage, run) == before


async def test_a_lapsed_lease_begins_nothing_but_takes_a_known_outcome(stage: Any) -> None:
    run, fence = await leased(stage)
    past = lambda tx: update(table).values(lease_until=tx.now - timedelta(seconds=1))  # noqa: E731
    await stage.db.write(lambda tx: tx.conn.execute(past(tx)) and None)
    with pytest.raises(Fenced):
        await stage.db.write(write(run, Changes(run={"state": "running"}), fence))
    await stage.db.write(write(run, Changes(run={"state": "running"}), fence, outcome=True))
    (taken,) = await stage.db.write(lambda tx: runs.claim(tx, "r2", limit=1, lease_s=60))
    assert taken.id == run
    with pytest.raises(Fenced):
        await stage.db.write(write(run, Changes(), fence, outcome=True))


async def test_a_lease_is_renewed_by_run_and_revived_while_nobody_took_it(stage: Any) -> None:
    run, _ = await leased(stage, lease_s=-1.0)
    assert await stage.db.write(lambda tx: runs.renew(tx, "r1", [], lease_s=60)) == set()
    assert await stage.db.write(lambda tx: runs.renew(tx, "r2", [run], lease_s=60)) == set()
    assert await stage.db.write(lambda tx: runs.claim(tx, "r1", limit=9, lease_s=1, but=[run])) == []
    assert await stage.db.write(lambda tx: runs.renew(tx, "r1", [run], lease_s=60)) == {run}
    assert await stage.db.write(lambda tx: runs.claim(tx, "r2", limit=9, lease_s=1)) == []
    assert await stage.db.write(lambda tx: runs.give_back(tx, "r1", but=[run])) == 0
    assert await stage.db.write(lambda tx: runs.give_back(tx, "r1")) == 1
    assert len(await stage.db.write(lambda tx: runs.claim(tx, "r2", limit=9, lease_s=1))) == 1


@pytest.mark.parametrize(
    "changes", [Changes(run={"state": "succeeded"}), Changes(steps={1: {"state": "done"}}),
                Changes(steps={2: {"state": "uncertain"}})]
)  # fmt: skip
async def test_an_illegal_move_raises_and_writes_nothing(stage: Any, changes: Changes) -> None:
    run, fence = await leased(stage)
    changes.event("run.started", run=run)
    before = await run_of(stage, run), await stage.steps(run)
    with pytest.raises(IllegalMove):
        await stage.db.write(write(run, changes, fence))
    assert (await run_of(stage, run), await stage.steps(run)) == before
    assert await stage.db.read(lambda tx: timeline.read(tx, "org", types=("run.started",))) == []


async def test_an_illegal_move_of_one_step_undoes_the_other(stage: Any) -> None:
    run, fence = await leased(stage)
    with pytest.raises(IllegalMove):
        await stage.db.write(write(run, Changes(steps={1: {"state": "started"}, 2: {"state": "done"}}), fence))
    assert [step.state for step in await stage.steps(run)] == ["pending", "pending"]


async def test_the_end_frees_locks_lease_and_queue(stage: Any) -> None:
    run, fence = await leased(stage)
    await stage.db.write(write(run, Changes(run={"state": "running"}), fence))
    row = {"resource": "db-1", "run": run, "person": stage.persons["ana"]}
    await stage.db.write(lambda tx: tx.conn.execute(insert(locks).values(**row, since=tx.now)) and None)
    await stage.db.write(write(run, Changes(run={"state": "aborted"}), fence))
    ended = await run_of(stage, run)
    assert (ended.lease_owner, ended.lease_until, ended.ready_at) == (None, None, None)
    assert ended.ended_at is not None
    assert await stage.db.read(lambda tx: runs.locks_of(tx, run)) == []


async def test_a_step_that_ended_says_when_and_waits_for_nothing(stage: Any) -> None:
    run, fence = await leased(stage)
    await stage.db.write(write(run, Changes(steps={1: {"state": "skipped", "note": "no"}}), fence))
    step = (await stage.steps(run))[0]
    assert step.ended_at is not None
    assert step.wake_at is None


async def test_the_run_card_is_asked_to_be_redrawn(stage: Any) -> None:
    run, fence = await leased(stage)
    wanted = select(cards.c.wanted).where(cards.c.kind == "run", cards.c.subject == run)
    before = await stage.db.read(lambda tx: tx.conn.execute(wanted).scalar_one())
    await stage.db.write(write(run, Changes(), fence))
    assert await stage.db.read(lambda tx: tx.conn.execute(wanted).scalar_one()) > before


async def test_there_is_no_such_run(stage: Any) -> None:
    with pytest.raises(LookupError):
        await stage.db.write(lambda tx: lock(tx, "INC-9/9"))


def test_told_says_run_step_and_attempt_every_time() -> None:
    from dataclasses import fields

    from storage.runs import Step

    values = dict.fromkeys((field.name for field in fields(Step)), None)
    step = Step(**{**values, "run": "org/1", "idx": 2, "id": "two", "uses": "toy.never", "attempt": 3})
    changes = Changes()
    changes.told("step.done", step, "ana", more=1)
    (entry,) = changes.events
    assert entry.body == {"run": "org/1", "step": 2, "id": "two", "uses": "toy.never", "attempt": 3, "more": 1}
    assert entry.actor == "ana"
