"""What became of a run that carried heads outside. The good and the broken ends are in test_anchor.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from playbooks.policy_anchors import Anchors
from storage import anchors, runs
from storage.tables import runs as run_rows
from storage.tables import timers


async def test_a_run_that_goes_on_is_looked_at_again(talk: Any, fire: Any) -> None:
    talk.house.policy = talk.house.policy.model_copy(update={"anchors": Anchors(file="/tmp/anchors.jsonl")})
    id = await talk.declare()
    await fire("anchor all")
    run = await talk.read(lambda tx: tx.conn.execute(select(run_rows.c.id).where(run_rows.c.stream == "org")).scalar())
    await fire(f"anchored {run}")

    def due(tx: Any) -> timedelta:
        query = select(timers.c.due_at).where(timers.c.kind == "anchored", timers.c.state == "pending")
        return tx.conn.execute(query).scalar_one() - tx.now

    assert timedelta() < await talk.read(due) <= timedelta(minutes=1)
    assert await talk.read(lambda tx: anchors.of_stream(tx, id)) == []
    assert (await talk.read(lambda tx: runs.get(tx, run))).state == "queued"


async def test_a_run_nobody_knows_is_nothing(fire: Any) -> None:
    await fire("anchored org/99")
