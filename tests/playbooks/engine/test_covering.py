"""Stages: one vote covers neighbouring destructive steps, each once, each looked at again at its start."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import update

from playbooks.engine.requests import abort, resume, retry, revoke, skip
from playbooks.errors import Refused, Temporary
from storage import runs, tables, timeline, verify
from tests.playbooks.engine.test_engine import vote_of

TWO = """
  - {id: one, stage: cutover, uses: toy.destroy, with: {tag: one}}
  - {id: two, stage: cutover, uses: toy.destroy, with: {tag: two}}
"""
THREE = """
  - {id: one, stage: cutover, uses: toy.destroy, with: {tag: one}}
  - id: two
    stage: cutover
    uses: toy.destroy
    with: {tag: "${{ steps.one.outputs.name }}"}
    constraint: {targets: [db-1, db-2], inputs: {tag: {%s}}}
  - {id: three, stage: cutover, uses: toy.destroy, with: {tag: three}}
"""
BETWEEN = """
  - {id: one, stage: cutover, uses: toy.destroy, with: {tag: one}}
  - {id: check, stage: cutover, uses: %s}
  - {id: two, stage: cutover, uses: toy.destroy, with: {tag: two}}
"""
LATER = """
  - {id: one, stage: cutover, uses: toy.destroy, with: {tag: one}}
  - {id: two, stage: cutover, uses: toy.destroy, with: {tag: "${{ steps.one.outputs.name }}"}}
"""


async def said(stage: Any, *types: str) -> list[timeline.Event]:
    return await stage.db.read(lambda tx: timeline.read(tx, "org", types=types))


async def granted(stage: Any, engine: Any, run: str) -> runs.Approval:
    asked: runs.Approval = await stage.held(run)
    for who in ("ben", "chi"):
        assert (await vote_of(stage, engine, run, who)).ok
    return asked


def tags(stage: Any) -> list[str]:
    return [effect.partition("@")[0] for effect in stage.outside.effects]


async def whole(stage: Any) -> None:
    assert all(one.ok for one in await stage.db.read(verify.check_database))


async def test_one_vote_covers_all_steps_with_their_targets_in_order(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(THREE % "one-of: [one, uno]", engine)
    await engine.start()
    asked = await granted(stage, engine, run)
    assert [(part["id"], part["targets"]) for part in asked.covers["steps"]] == [
        ("one", ["db-1"]), ("two", ["db-1", "db-2"]), ("three", ["db-1"]),
    ]  # fmt: skip
    assert (
        "Stage cutover, 3 steps: 1 Change db-1 by one; 2 Destroy something: db-1, db-2 (tag is one or uno)"
        in asked.plan["effect"]
    )
    assert (await stage.ended(run)).state == "succeeded"
    assert tags(stage) == ["one", "one", "three"]
    (request,) = await said(stage, "approval.requested")
    assert request.body["steps"] == [1, 2, 3] and request.body["targets"] == ["db-1", "db-2"]
    assert len(await said(stage, "approval.granted")) == 1
    used = await stage.db.read(lambda tx: runs.approval(tx, asked.id))
    assert (used.state, used.plan["started"]) == ("used", [1, 2, 3])
    await whole(stage)


async def test_all_targets_are_locked_from_the_request_on(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(THREE % "matches: 'o*'", engine)
    await engine.start()
    await stage.held(run)
    assert {one.resource for one in await stage.db.read(lambda tx: runs.locks_of(tx, run))} == {"db-1", "db-2"}
    stage.outside.target = "db-2"
    other = await stage.request("  - {id: x, uses: toy.destroy}\n", engine)
    await stage.ended(other, "paused")
    assert f"db-2 is held by run {run} (asked by Ana) since" in (await stage.steps(other))[0].error


async def test_a_target_outside_its_constraint_asks_again_and_the_old_votes_are_void(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(THREE % "one-of: [one]", engine)
    stage.outside.gate = asyncio.Event()
    await engine.start()
    first = await granted(stage, engine, run)
    await stage.until(lambda tx: runs.steps_of(tx, run)[0].state == "started")
    stage.outside.target = "db-9"
    stage.outside.gate.set()
    second = await stage.until(lambda tx: (a := runs.open_approval(tx, run)) and a.id != first.id and a)
    assert [part["index"] for part in second.covers["steps"]] == [2, 3] and second.covers["steps"][0]["targets"] == [
        "db-9"
    ]
    assert (await stage.db.read(lambda tx: runs.approval(tx, first.id))).state == "void"
    assert not (await vote_of(stage, engine, run, "ben", digest=first.digest)).ok, "the old button is dead"
    assert tags(stage) == ["one"]
    for who in ("ben", "chi"):
        await vote_of(stage, engine, run, who)
    assert (await stage.ended(run)).state == "succeeded"
    assert tags(stage) == ["one", "one", "three"]
    await whole(stage)


async def test_an_input_outside_its_constraint_asks_again(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(THREE % "matches: 'uno*'", engine)
    await engine.start()
    first = await granted(stage, engine, run)
    second = await stage.until(lambda tx: (a := runs.open_approval(tx, run)) and a.id != first.id and a)
    assert [part["index"] for part in second.covers["steps"]] == [2, 3]
    assert tags(stage) == ["one"]


async def test_what_is_known_later_without_a_constraint_asks_by_itself(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(LATER, engine)
    await engine.start()
    first = await granted(stage, engine, run)
    assert [part["index"] for part in first.covers["steps"]] == [1]
    assert "Step 2 toy.destroy asks by itself: tag is known after step 1" in first.plan["notes"][0]
    second = await stage.until(lambda tx: (a := runs.open_approval(tx, run)) and a.id != first.id and a)
    assert second.covers["steps"][0]["params"]["tag"] == "one"
    assert tags(stage) == ["one"]


async def test_a_proven_non_effect_keeps_the_stage_once(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.script = [Temporary("busy", retry_after=0.05)]
    run = await stage.request(TWO.replace("tag: one}", "tag: one}, retries: 3"), engine)
    await engine.start()
    first = await granted(stage, engine, run)
    assert (await stage.ended(run)).state == "succeeded"
    assert tags(stage) == ["one", "two"] and len(await said(stage, "approval.granted")) == 1
    assert [event.body["step"] for event in await said(stage, "approval.kept")] == [1]

    stage.outside.script = [Temporary("busy", retry_after=0.05)] * 2
    run = await stage.request(TWO.replace("tag: one}", "tag: one}, retries: 3"), engine)
    first = await granted(stage, engine, run)
    second = await stage.until(lambda tx: (a := runs.open_approval(tx, run)) and a.id != first.id and a)
    assert [part["index"] for part in second.covers["steps"]] == [1, 2], (
        "the second time it asks again, for all that is left"
    )
    assert tags(stage) == ["one", "two"]
    await whole(stage)


async def test_deny_between_two_steps_stops_the_rest(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.visible = False
    run = await stage.request(TWO, engine)
    await engine.start()
    await granted(stage, engine, run)
    await stage.until(lambda tx: runs.steps_of(tx, run)[0].state == "done")
    assert "Step 1 began already" in (await vote_of(stage, engine, run, "dov", "deny")).text
    await stage.ended(run, "paused")
    one, two = await stage.steps(run)
    assert (one.state, two.state, two.error) == ("done", "failed", "Denied by Dov")
    stage.outside.visible = True
    assert tags(stage) == ["one"]
    await stage.db.write(lambda tx: retry(tx, engine, run=run, actor=stage.actor("ana")))
    again = await granted(stage, engine, run)
    assert [part["index"] for part in again.covers["steps"]] == [2]
    assert (await stage.ended(run, "succeeded")).state == "succeeded"
    await whole(stage)


async def test_revoke_between_two_steps_withdraws_the_rest_and_asks_to_stop(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.visible = False
    run = await stage.request(TWO, engine)
    await engine.start()
    asked = await granted(stage, engine, run)
    await stage.until(lambda tx: runs.steps_of(tx, run)[0].state == "done")
    told = await stage.db.write(lambda tx: revoke(tx, engine, run=run, actor=stage.actor("ben"), via="test"))
    assert "Step 1 of its stage began already" in told.text
    stage.outside.visible = True
    await stage.ended(run, "paused")
    assert (await stage.db.read(lambda tx: runs.approval(tx, asked.id))).state == "open"
    await stage.db.write(lambda tx: resume(tx, engine, run=run, actor=stage.actor("ana")))
    await stage.until(lambda tx: runs.get(tx, run).state == "waiting")
    assert tags(stage) == ["one"]
    assert (await vote_of(stage, engine, run, "dov")).ok
    assert (await stage.ended(run)).state == "succeeded"
    assert tags(stage) == ["one", "two"]
    await whole(stage)


async def test_whoever_loses_the_right_before_the_second_step_is_counted_out(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.visible = False
    run = await stage.request(TWO, engine)
    await engine.start()
    asked = await granted(stage, engine, run)
    await stage.until(lambda tx: runs.steps_of(tx, run)[0].state == "done")
    who = stage.persons["ben"]
    await stage.db.write(
        lambda tx: tx.conn.execute(
            update(tables.accounts).where(tables.accounts.c.person == who).values(state="deactivated")
        )
    )
    stage.outside.visible = True
    await stage.until(lambda tx: runs.steps_of(tx, run)[1].state == "held")
    assert (await stage.db.read(lambda tx: runs.approval(tx, asked.id))).state == "open"
    assert tags(stage) == ["one"]
    assert (await vote_of(stage, engine, run, "dov")).ok
    assert (await stage.ended(run)).state == "succeeded"


async def test_a_failed_or_skipped_step_voids_the_votes_for_the_rest(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.script = [Refused("no")]
    run = await stage.request(TWO, engine)
    await engine.start()
    first = await granted(stage, engine, run)
    await stage.ended(run, "paused")
    await stage.db.write(lambda tx: skip(tx, engine, run=run, actor=stage.actor("ana"), reason="by hand"))
    second = await stage.until(lambda tx: (a := runs.open_approval(tx, run)) and a.id != first.id and a)
    assert [part["index"] for part in second.covers["steps"]] == [2]
    assert (await stage.db.read(lambda tx: runs.approval(tx, first.id))).state == "void"
    assert tags(stage) == []


async def again_for(stage: Any, run: str, first: runs.Approval) -> list[int]:
    """The steps it asks for again, once it does."""
    second = await stage.until(lambda tx: (a := runs.open_approval(tx, run)) and a.id != first.id and a)
    assert (await stage.db.read(lambda tx: runs.approval(tx, first.id))).state == "void"
    return [part["index"] for part in second.covers["steps"]]


async def test_a_failed_step_ends_it_also_where_the_playbook_goes_on(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.script = [Refused("no")]
    run = await stage.request(TWO.replace("tag: one}", "tag: one}, on-failure: continue"), engine)
    await engine.start()
    first = await granted(stage, engine, run)
    assert await again_for(stage, run, first) == [2] and tags(stage) == []
    (void,) = await said(stage, "approval.void")
    assert (void.body["approval"], void.body["step"], void.body["why"]) == (first.id, 1, "step 1 failed")
    await whole(stage)


async def test_a_check_between_that_a_person_skips_ends_it(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(BETWEEN % "toy.ask", engine)
    await engine.start()
    first = await granted(stage, engine, run)
    assert [part["index"] for part in first.covers["steps"]] == [1, 3]
    await stage.until(lambda tx: runs.steps_of(tx, run)[1].state == "parked")
    await stage.db.write(lambda tx: skip(tx, engine, run=run, actor=stage.actor("ana"), reason="in a hurry"))
    assert await again_for(stage, run, first) == [3] and tags(stage) == ["one"]
    await whole(stage)


async def test_a_check_between_that_fails_ends_it_unless_the_playbook_goes_on(stage: Any) -> None:
    engine = stage.engine()
    await engine.start()
    for more, ends in (("", True), (", on-failure: continue", False)):
        stage.outside.visible = False
        run = await stage.request(BETWEEN % f"toy.never{more}", engine)
        first = await granted(stage, engine, run)
        await stage.until(lambda tx, run=run: runs.steps_of(tx, run)[0].state == "done")
        stage.outside.script, stage.outside.visible = [Refused("no")], True
        await stage.ended(run, "paused" if ends else "incomplete")
        after = await stage.db.read(lambda tx, id=first.id: runs.approval(tx, id))
        assert (after.state, after.reason) == (("void", "step 2 failed") if ends else ("used", None))
        if ends:
            await stage.db.write(
                lambda tx, run=run: skip(tx, engine, run=run, actor=stage.actor("ana"), reason="in a hurry")
            )
            assert await again_for(stage, run, first) == [3] and tags(stage) == ["one"]
            await stage.db.write(lambda tx, run=run: abort(tx, engine, run=run, actor=stage.actor("ana")))
            await stage.ended(run, "aborted")
    await whole(stage)


async def test_a_stage_that_takes_longer_than_its_approval_says_so(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.visible = False
    run = await stage.request(TWO, engine)
    await engine.start()
    first = await granted(stage, engine, run)
    await stage.until(lambda tx: runs.steps_of(tx, run)[0].state == "done")
    mine = update(tables.approvals).where(tables.approvals.c.id == first.id)
    await stage.db.write(lambda tx: tx.conn.execute(mine.values(expires_at=tx.now)) and None)
    stage.outside.visible = True
    await stage.ended(run, "paused")
    assert "The step did not begin before its approval expired at" in (await stage.steps(run))[1].error
    after = await stage.db.read(lambda tx: runs.approval(tx, first.id))
    assert (after.state, after.reason) == ("expired", "it was not used in time") and tags(stage) == ["one"]


async def test_the_strictest_of_its_steps_rules_counts(stage: Any) -> None:
    engine = stage.engine()
    steps = TWO.replace("tag: two}", "tag: two}, risk: irreversible, approvals: {people: 3, expires: 2m}")
    run = await stage.request(steps, engine)
    await engine.start()
    asked = await stage.held(run)
    assert (asked.rule["people"], asked.rule["expires_s"], asked.plan["risk"]) == (
        3,
        120.0,
        "destructive, irreversible",
    )
