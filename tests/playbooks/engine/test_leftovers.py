"""Taking back what a step changed, in a run of its own; letting it stay; what is left over."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from sqlalchemy import update

from playbooks.action import Act, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.changes import Change
from playbooks.engine.answering import answer
from playbooks.engine.leftovers import accept, leftovers, undo
from playbooks.engine.requests import pause, resume
from playbooks.errors import Refused, Uncertain
from storage import runs, tables, timeline, verify
from tests.playbooks.engine.conftest import Outside, OutsideReads, Told, _Base
from tests.playbooks.engine.test_engine import vote_of

CUT = "  - {id: cut, uses: toy.cut, with: {tag: cut}}\n"


@action("toy.cut", risk=Risk.RECOVERABLE, again=Again.NEVER, result=Told)
class Cut(_Base):
    """Cut something."""

    async def undo(self, act: Act, done: Told) -> Outputs:
        await act.use(Outside).effect(f"undo-{done.name}@{act.key}")
        return done

    async def plan_undo(self, world: World, done: Told) -> Plan:
        return Plan(effect=f"Join {done.name} again")

    async def verify_undo(self, world: World, done: Told) -> Seen:
        return Seen(True, f"{done.name} is whole")

    async def reconcile_undo(self, world: World, done: Told) -> Found:
        happened = any(effect.startswith("undo-") for effect in world.use(OutsideReads).effects)
        return Found(happened, "looked", done if happened else None)


@action("toy.turn", risk=Risk.WRITE, again=Again.KEYED, result=Told)
class Turn(_Base):
    """Set something."""

    before: str
    after: str
    verify_within_s = 0.2

    async def verify(self, world: World, done: Told) -> Seen:
        return Seen(world.use(OutsideReads).visible, "looked")

    async def undo(self, act: Act, done: Told) -> Outputs:
        raise AssertionError("nobody asks for it here")

    @classmethod
    def changes(cls, params: Any, outputs: Any) -> tuple[Change, ...]:
        return (Change("it", params["before"], params["after"]),)


async def cut(stage: Any, engine: Any, steps: str = CUT) -> str:
    run: str = await stage.request(steps, engine)
    await engine.start()
    for who in ("ben", "chi"):
        await stage.held(run)
        await vote_of(stage, engine, run, who)
    await stage.ended(run)
    return run


async def asked(stage: Any, engine: Any, run: str, who: str = "ana", **more: Any) -> str:
    given = {"reason": "wrong one", **more}
    said = await stage.db.write(lambda tx: undo(tx, engine, run=run, actor=stage.actor(who), **given))
    return str(said.text.split("**")[1])


async def left(stage: Any, run: str) -> list[int]:
    return [one.idx for one in await stage.db.read(lambda tx: leftovers(tx, runs.steps_of(tx, run), stage.policy))]


async def test_an_undo_is_a_run_of_its_own_with_its_own_quorum(stage: Any) -> None:
    engine = stage.engine()
    run = await cut(stage, engine)
    assert await left(stage, run) == [1]
    by = await asked(stage, engine, run, "ben")
    request = await stage.held(by)
    assert (request.plan["effect"], request.covers["steps"][0]["targets"]) == ("Join cut again", ["db-1"])
    assert not (await vote_of(stage, engine, by, "ben")).ok, "who asks for the undo is its requester"
    assert await left(stage, run) == [1], "not before it is done"
    for who in ("chi", "dov"):
        assert (await vote_of(stage, engine, by, who)).ok
    assert (await stage.ended(by)).state == "succeeded"
    assert [effect.partition("@")[0] for effect in stage.outside.effects] == ["cut", "undo-cut"]
    assert await left(stage, run) == [] and await left(stage, by) == [], "an undo leaves nothing behind"
    (event,) = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("step.undo_asked",)))
    assert (event.body["run"], event.body["step"], event.body["by"], event.text("reason")) == (run, 1, by, "wrong one")
    with pytest.raises(Refused, match="taken back already"):
        await asked(stage, engine, run, step="1")
    assert all(one.ok for one in await stage.db.read(verify.check_database))


async def test_a_lost_undo_is_looked_for_not_repeated(stage: Any) -> None:
    engine = stage.engine()
    run = await cut(stage, engine)
    stage.outside.after = [Uncertain("no answer")]
    by = await asked(stage, engine, run)
    await stage.held(by)
    for who in ("ben", "chi"):
        await vote_of(stage, engine, by, who)
    assert (await stage.ended(by)).state == "succeeded"
    assert [effect.partition("@")[0] for effect in stage.outside.effects] == ["cut", "undo-cut"]


async def test_a_paused_run_lends_its_lock_and_one_that_goes_on_does_not(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(CUT + "  - {id: ask, uses: toy.ask}\n" + CUT.replace("id: cut", "id: more"), engine)
    await engine.start()
    await stage.held(run)
    for who in ("ben", "chi"):
        await vote_of(stage, engine, run, who)
    await stage.until(lambda tx: runs.steps_of(tx, run)[1].state == "parked")
    with pytest.raises(Refused, match="still going on"):
        await asked(stage, engine, run)
    await stage.db.write(lambda tx: pause(tx, engine, run=run, actor=stage.actor("ana")))
    await stage.ended(run, "paused")
    by = await asked(stage, engine, run)
    await stage.held(by)
    assert [one.run for one in await stage.db.read(lambda tx: runs.holders(tx, ["db-1"]))] == [by]
    await stage.db.write(lambda tx: resume(tx, engine, run=run, actor=stage.actor("ana")))
    await stage.db.write(lambda tx: answer(tx, engine, run=run, step="2", actor=stage.actor("ana"), choice="yes"))
    await stage.ended(run, "paused")
    assert f"db-1 is held by run {by}" in (await stage.steps(run))[2].error, "the undo goes first"


async def test_without_a_name_and_what_cannot_be_taken_back(stage: Any) -> None:
    engine = stage.engine()
    run = await cut(stage, engine, CUT + "  - {id: tell, uses: toy.never, with: {tag: tell}}\n")
    for step, words in (("2", "has no undo. Only a test."), ("7", "it has cut, tell")):
        with pytest.raises(Refused) as error:
            await asked(stage, engine, run, step=step)
        assert words in str(error.value)
    with pytest.raises(Refused, match="needs a reason"):
        await asked(stage, engine, run, reason=" ")
    with pytest.raises(Refused, match="Why does it stay"):
        await stage.db.write(lambda tx: accept(tx, stage.policy, run=run, actor=stage.actor("ana"), reason=" "))
    assert await left(stage, run) == [1]
    said = await stage.db.write(lambda tx: accept(tx, stage.policy, run=run, actor=stage.actor("ana"), reason="meant"))
    assert "step 1 toy.cut" in said.text and await left(stage, run) == []
    for step, no in (("1", "already"), ("2", "left nothing behind")):
        with contextlib.suppress(Refused) if step == "1" else pytest.raises(Refused, match=no):
            again = await stage.db.write(
                lambda tx, step=step: accept(
                    tx, stage.policy, run=run, actor=stage.actor("ana"), reason="so", step=step
                )
            )
            assert no in again.text
    (event,) = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("step.accepted",)))
    assert event.body["step"] == 1 and event.actor == stage.persons["ana"]


async def test_what_a_later_step_set_back_is_left_over_no_more(stage: Any) -> None:
    engine = stage.engine()
    await engine.start()
    turn = "  - {{id: {id}, uses: toy.turn, with: {{tag: {id}, before: {was}, after: {now}}}}}\n".format
    down, up = turn(id="down", was="three", now="none"), turn(id="up", was="none", now="three")
    run = await stage.request(down + turn(id="some", was="none", now="one"), engine)
    await stage.ended(run)
    assert await left(stage, run) == [1, 2]
    run = await stage.request(down + up, engine)
    await stage.ended(run)
    assert await left(stage, run) == [], "neither the one nor the other"
    stage.outside.visible = False
    run = await stage.request(down, engine)
    await stage.ended(run, "paused")
    assert await left(stage, run) == [1], "what was not seen to have worked is there all the same"


async def test_what_the_outside_said_is_never_read_as_a_reference(stage: Any) -> None:
    engine = stage.engine()
    run = await cut(stage, engine)
    evil = {"name": "${{ incident.id }}"}
    await stage.db.write(
        lambda tx: tx.conn.execute(update(tables.steps).where(tables.steps.c.run == run).values(outputs=evil))
    )
    by = await asked(stage, engine, run)
    assert (await stage.held(by)).plan["effect"] == "Join ${{ incident.id }} again"
    found = await stage.db.read(lambda tx: runs.get(tx, by))
    assert json.loads(found.inputs["done"]) == evil
