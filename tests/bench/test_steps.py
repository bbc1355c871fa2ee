"""What a durable step costs: intent, outcome, timeline and card rows, against two bare commits of one row each.

Between two effects of a lane lies one commit: the outcome of one step and the start of the next. The baseline is two
commits of one row each. Printed: milliseconds per step and the ratio. Goal of the design: 2 ms a step where a commit is
cheap.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import text

from playbooks.action import Act, Action, Again, Outputs, Park, Plan, Risk, World, action
from playbooks.engine.engine import Engine
from playbooks.engine.library import Library
from playbooks.engine.load import load_text
from playbooks.engine.starting import write_run
from playbooks.policy import parse_policy
from storage import people, runs, verify
from storage.db import Database, Tx

pytestmark = pytest.mark.bench
STEPS = 12  # of one run: playbooks people approve are short
RUNS = 12
WORST_RATIO = 15.0  # catches a step that reads or writes far too much, whatever else the machine does


class Out(Outputs):
    """One value."""

    value: int = 1


@action("bench.nothing", risk=Risk.WRITE, again=Again.KEYED, result=Out)
class Nothing(Action):
    """Do nothing, durably."""

    why_no_undo = "Nothing was done."

    async def plan(self, world: World) -> Plan:
        return Plan(effect="Nothing")

    async def run(self, act: Act) -> Outputs | Park:
        return Out()


async def _bare(db: Database) -> float:
    """Seconds per pair of commits of one row."""
    await db.write(lambda tx: tx.conn.execute(text("CREATE TABLE bare (n INTEGER)")))
    await db.write(lambda tx: tx.conn.execute(text("INSERT INTO bare VALUES (0)")))
    start = time.perf_counter()
    for _ in range(STEPS * RUNS * 2):
        await db.write(lambda tx: tx.conn.execute(text("UPDATE bare SET n = n + 1")))
    return (time.perf_counter() - start) / (STEPS * RUNS)


async def _steps(db: Database) -> float:
    """Seconds per step of linear runs, one after the other."""
    lines = "\n".join(f"  - {{id: s{n}, uses: bench.nothing}}" for n in range(STEPS))
    playbook = load_text(f"name: bench/run\ntitle: Bench\nsteps:\n{lines}\n", "bench/run.yaml")
    engine = Engine(
        db, {}, Library([]), parse_policy("severities: {sev1: {title: x}}"), replica="bench", url="http://m"
    )

    def request(tx: Tx) -> str:
        person = people.believe(tx, "slack", "T1/U1", state=people.MEMBER, name="Ana").person or ""
        return write_run(tx, engine.house, playbook=playbook, inputs={}, incident=None, requester=person)

    await engine.start()
    start = time.perf_counter()
    for _ in range(RUNS):
        run = await db.write(request)
        while (await db.read(lambda tx, run=run: _state(tx, run))) != "succeeded":
            assert time.perf_counter() - start < 60
            await asyncio.sleep(0.01)
    took = time.perf_counter() - start
    await engine.stop()
    assert all(verdict.ok for verdict in await db.read(verify.check_database))
    return took / (STEPS * RUNS)


def _state(tx: Tx, run: str) -> str:
    found = runs.get(tx, run)
    assert found is not None
    return found.state


async def test_a_durable_step_costs_little_more_than_its_two_commits(db: Database, url: str, capsys: Any) -> None:
    bare = await _bare(db)
    step = await _steps(db)
    with capsys.disabled():
        name = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
        print(f"\n{name}: step {step * 1000:.2f} ms, two bare commits {bare * 1000:.2f} ms, ratio {step / bare:.1f}")
    assert step / bare < WORST_RATIO
