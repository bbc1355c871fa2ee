"""The runs of the matrix: a long one with one of each step, and short ones for what people do in the middle of a run.

A play is a playbook, what people do in one round (called again and again until it is over), how it ends, and what must
hold of its record besides what holds of any run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from playbooks.engine.breaking import break_glass
from playbooks.engine.leftovers import undo
from playbooks.engine.requests import abort, retry
from storage import factors, reviews, runs, timeline
from storage.db import Tx
from storage.tables import runs as run_rows
from storage.tables import steps as step_rows
from tests.crash.outside import Cell
from tests.crash.scene import ENDED, PLAYBOOK, Scene

Round = Callable[[Scene, str, Cell], Awaitable[bool]]
SHORT = "\nname: crash/%s\ntitle: A short run\nsteps:\n  - {id: before, uses: crash.never, with: {tag: before}}\n"
STAGE = """
  - {id: one, stage: cutover, uses: crash.destroy, with: {tag: one}}
  - id: two
    stage: cutover
    uses: crash.destroy
    with: {tag: "two-${{ steps.one.outputs.name }}"}
    constraint: {targets: ["thing:two-made-one"], inputs: {tag: {matches: "two-*"}}}
"""


@dataclass(frozen=True)
class Play:
    """One kind of run. cell: how its outside behaves; granted: how many quorums it may take."""

    name: str
    text: str
    round: Round
    ends: str = "succeeded"
    cell: dict[str, Any] = field(default_factory=dict)
    granted: tuple[int, ...] = (1,)


async def _ends(scene: Scene, run: str, cell: Cell) -> bool:
    return (await scene.people(run, cell)).state in (*ENDED, "paused")


async def _retries(scene: Scene, run: str, cell: Cell) -> bool:
    """Whenever it pauses, Ana presses retry."""
    found = await scene.people(run, cell)
    if found.state == "paused":
        await scene.asks(lambda tx: retry(tx, scene.engine, run=run, actor=scene.actor("ana")))
    return found.state in ENDED


async def _aborts(scene: Scene, run: str, cell: Cell) -> bool:
    """Ana aborts once the effect is made and only being looked at."""
    found = await scene.people(run, cell)
    steps = await scene.db.read(lambda tx: runs.steps_of(tx, run))
    if steps[1].state == "done" and found.state not in ENDED and not found.stop_asked:
        await scene.asks(lambda tx: abort(tx, scene.engine, run=run, actor=scene.actor("ana"), reason="enough"))
    return found.state in ENDED


async def _undoes(scene: Scene, run: str, cell: Cell) -> bool:
    """Once it has ended, Ana has the destructive step taken back, and people vote on that too."""
    found = await scene.people(run, cell)
    if found.state not in ENDED:
        return False
    step = (await scene.db.read(lambda tx: runs.steps_of(tx, run)))[1]
    if step.undone_by is None:
        await scene.asks(lambda tx: undo(tx, scene.engine, run=run, step="2", actor=scene.actor("ana"), reason="wrong"))
        return False
    return (await scene.people(step.undone_by, cell)).state in ENDED


async def _breaks(scene: Scene, run: str, cell: Cell) -> bool:
    """Nobody votes: Ben breaks the glass whenever it is held."""
    found, asked = await scene.db.read(lambda tx: (runs.get(tx, run), runs.open_approval(tx, run)))
    assert found is not None
    if asked is not None and asked.state == "open":
        await scene.asks(lambda tx: _break(tx, scene, run))
    return found.state in (*ENDED, "paused")


def _break(tx: Tx, scene: Scene, run: str) -> None:
    person = scene.persons["ben"]
    factors.offer(tx, person, "sealed")
    factors.confirm(tx, person)
    proof = factors.prove(tx, person, "totp", "ask")
    said = break_glass(
        tx, scene.engine, run=run, digest=None, rules_named=("people",), actor=scene.actor("ben"), reason="nobody there",
        proof=proof, ask="ask", via="test",
    )  # fmt: skip
    assert said.ok or "already" in said.text, said.text


async def _waits(scene: Scene, run: str, cell: Cell) -> bool:
    """The looks lie ten minutes apart. When the run is parked and nobody holds it, these minutes pass."""
    found = await scene.people(run, cell)

    def pass_by(tx: Tx) -> None:
        now = runs.get(tx, run, lock=True)
        step = runs.steps_of(tx, run)[1]
        far = step.state == "done" and step.wake_at is not None and step.wake_at - tx.now > timedelta(minutes=5)
        if now is not None and now.state == "waiting" and now.lease_owner is None and far:
            mine = (step_rows.c.run == run, step_rows.c.idx == 2)
            tx.conn.execute(update(step_rows).where(*mine).values(wake_at=tx.now))
            tx.conn.execute(update(run_rows).where(run_rows.c.id == run).values(ready_at=tx.now))

    await scene.db.write(pass_by)
    return found.state in (*ENDED, "paused")


PARKED = "  - {id: destroy, uses: crash.destroy, with: {tag: destroy}, within: 30m}\n"


def _short(name: str, steps: str = "  - {id: destroy, uses: crash.destroy, with: {tag: destroy}}\n") -> str:
    return SHORT % name + steps.lstrip("\n")


PLAYS = {
    play.name: play
    for play in (
        Play("all", PLAYBOOK, _ends),
        Play("stage", _short("stage", STAGE), _ends),
        # A refusal may be lost, then it is tried again; a start too slow for its lease, twice, asks once more.
        Play("retry", _short("retry"), _retries, cell={"refuse": 1}, granted=(1, 2, 3)),
        Play("abort", _short("abort"), _aborts, ends="aborted", cell={"blind": True}),
        Play("undo", _short("undo", "  - {id: cut, uses: crash.cut, with: {tag: cut}}\n"), _undoes, granted=(2,)),
        Play("glass", _short("glass"), _breaks),
        Play("parked", _short("parked", PARKED), _waits, cell={"apart_s": 600}),
    )
}


def also(tx: Tx, play: Play, run: str, cell: Cell) -> list[str]:
    """What does not hold of this play in particular."""
    bad = []
    said = timeline.read(tx, run.rpartition("/")[0])
    granted = Counter(event.type for event in said)["approval.granted"]
    if granted not in play.granted:
        bad.append(f"{granted} quorums instead of {play.granted}")
    steps = runs.steps_of(tx, run)
    if play.name == "abort" and (steps[1].state != "aborted" or len(cell.made("destroy")) != 1):
        bad.append(f"aborted with {steps[1].state}, {cell.effects}")
    if play.name == "glass" and len(reviews.of_run(tx, run)) != 1:
        bad.append("the glass was broken without its review")
    if play.name == "undo":
        by = runs.get(tx, steps[1].undone_by or "")
        if by is None or by.state != "succeeded" or [one[0] for one in cell.effects] != ["never", "cut", "undo"]:
            bad.append(f"the undo {by and by.state}: {cell.effects}")
    return bad
