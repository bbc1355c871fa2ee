"""The engine on both databases: order, lanes, failures, unknown outcomes, takeover, approvals."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from playbooks.engine.answering import answer
from playbooks.engine.requests import abort, pause, resume, retry, revoke, skip, vote
from playbooks.errors import Refused, Temporary, Uncertain
from storage import runs, timeline, verify
from storage.db import Database

TWO = """
  - {id: one, uses: toy.keyed, with: {tag: one}}
  - {id: two, uses: toy.never, with: {tag: "${{ steps.one.outputs.name }}-two"}}
"""
DESTROY = "  - {id: boom, uses: toy.destroy, with: {tag: boom}}\n"


async def events(stage: Any, stream: str = "org") -> list[str]:
    found = await stage.db.read(lambda tx: timeline.read(tx, stream))
    return [event.type for event in found if event.type.startswith(("run.", "step.", "approval."))]


async def proven(stage: Any) -> None:
    """The record is whole."""
    for verdict in await stage.db.read(verify.check_database):
        assert verdict.ok, verdict.bad


async def vote_of(
    stage: Any, engine: Any, run: str, who: str, choice: str = "approve", digest: str | None = None
) -> Any:
    actor = stage.actor(who)
    return await stage.db.write(
        lambda tx: vote(tx, engine, run=run, digest=digest, actor=actor, choice=choice, via="test")
    )


async def test_steps_run_in_order_and_are_written_before_and_after(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(TWO, engine)
    await engine.start()
    assert (await stage.ended(run)).state == "succeeded"
    assert stage.outside.effects == [f"one@muster:{run}:1:1", f"one-two@muster:{run}:2:1"]
    assert await events(stage) == [
        "run.requested", "run.started", "step.started", "step.done", "step.succeeded",
        "step.started", "step.done", "step.succeeded", "run.ended",
    ]  # fmt: skip
    await proven(stage)


async def test_lanes_run_together_and_the_group_waits_for_all(stage: Any) -> None:
    engine = stage.engine()
    steps = """
  - id: group
    parallel:
      a:
        - {id: a1, uses: toy.never, with: {tag: a1}}
      b:
        - {id: b1, uses: toy.never, with: {tag: b1}}
  - {id: last, uses: toy.never, with: {tag: last}}
"""
    stage.outside.gate = asyncio.Event()
    run = await stage.request(steps, engine)
    await engine.start()
    await stage.until(lambda tx: [s.state for s in runs.steps_of(tx, run)] == ["started", "started", "pending"])
    stage.outside.gate.set()
    assert (await stage.ended(run)).state == "succeeded"
    assert sorted(e.split("@")[0] for e in stage.outside.effects[:2]) == ["a1", "b1"]
    assert stage.outside.effects[2].startswith("last@")


async def test_temporary_is_tried_again_with_the_same_key(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.script = [Temporary("busy", retry_after=0.05), Temporary("busy", retry_after=0.05)]
    run = await stage.request(TWO, engine)
    await engine.start()
    assert (await stage.ended(run)).state == "succeeded"
    assert stage.outside.effects[0] == f"one@muster:{run}:1:1"
    assert (await events(stage)).count("step.retrying") == 2


async def test_a_retrying_lane_does_not_hold_up_what_follows_its_group(stage: Any) -> None:
    engine = stage.engine()
    steps = """
  - id: group
    parallel:
      a:
        - {id: a1, uses: toy.keyed, with: {tag: a1}, on-failure: continue, retries: 20}
  - {id: last, uses: toy.never, with: {tag: last}}
"""
    stage.outside.busy = {"a1": "last"}
    run = await stage.request(steps, engine)
    await engine.start()
    assert (await stage.ended(run)).state == "succeeded"
    assert [e.split("@")[0] for e in stage.outside.effects] == ["last", "a1"]


async def test_what_reads_a_step_that_is_tried_again_waits_for_it_and_what_does_not_goes_on(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playbooks.engine.outcomes.EARLY_S", 3600.0)  # it is woken, and need not look by itself
    engine = stage.engine()
    named = "${{ steps.one.outputs.name }}"
    steps = f"""
  - {{id: one, uses: toy.keyed, with: {{tag: one}}, on-failure: continue, retries: 20}}
  - {{id: two, uses: toy.never, with: {{tag: "{named}-two"}}, if: steps.one.outputs.name == 'one', on-failure: continue}}
  - {{id: other, uses: toy.never, with: {{tag: other}}, on-failure: continue}}
  - {{id: boom, uses: toy.destroy, with: {{tag: "{named}-boom"}}}}
"""
    stage.outside.busy = {"one": "other"}
    run = await stage.request(steps, engine)
    await engine.start()
    await stage.until(lambda tx: runs.steps_of(tx, run)[3].state == "held")
    assert [e.split("@")[0] for e in stage.outside.effects] == ["other", "one", "one-two"]
    (asked,) = await stage.db.read(lambda tx: runs.approvals_of(tx, run))
    assert asked.state == "open", "what it would destroy is known, so people are asked"


async def test_refused_pauses_and_a_person_chooses_retry_or_skip(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.script = [Refused("no such thing")]
    run = await stage.request(TWO, engine)
    await engine.start()
    await stage.ended(run, "paused")
    assert "no such thing" in (await stage.steps(run))[0].error
    with pytest.raises(Refused, match="retry"):
        await stage.db.write(lambda tx: resume(tx, engine, run=run, actor=stage.actor("ana")))
    await stage.db.write(lambda tx: retry(tx, engine, run=run, actor=stage.actor("ana")))
    assert (await stage.ended(run, "succeeded")).state == "succeeded"
    assert stage.outside.effects[0] == f"one@muster:{run}:1:2", "a retry is a new attempt with a new key"
    await proven(stage)


async def test_skip_needs_a_reason_and_what_depends_on_it_says_so(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.script = [Refused("no")]
    run = await stage.request(TWO, engine)
    await engine.start()
    await stage.ended(run, "paused")
    with pytest.raises(Refused, match="reason"):
        await stage.db.write(lambda tx: skip(tx, engine, run=run, actor=stage.actor("ana"), reason=" "))
    await stage.db.write(lambda tx: skip(tx, engine, run=run, actor=stage.actor("ana"), reason="by hand"))
    await stage.ended(run, "succeeded")
    one, two = await stage.steps(run)
    assert (one.state, two.state) == ("skipped", "skipped")
    assert "it needs step 1" in two.note
    assert stage.outside.effects == []


async def test_unknown_of_a_never_step_is_reconciled_not_repeated(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.after = [Uncertain("the line went dead")]
    run = await stage.request("  - {id: two, uses: toy.never, with: {tag: two}}\n", engine)
    await engine.start()
    assert (await stage.ended(run)).state == "succeeded"
    assert len(stage.outside.effects) == 1
    assert "step.reconciled" in await events(stage)


async def test_unknown_that_did_not_happen_is_done_once(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.script = [Uncertain("the line went dead")]
    run = await stage.request("  - {id: two, uses: toy.never, with: {tag: two}}\n", engine)
    await engine.start()
    assert (await stage.ended(run)).state == "succeeded"
    assert stage.outside.effects == [f"two@muster:{run}:1:1"]


async def test_destructive_waits_for_two_people_and_runs_once(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(DESTROY, engine)
    await engine.start()
    asked = await stage.held(run)
    assert (await vote_of(stage, engine, run, "ana")).ok is False
    assert (await vote_of(stage, engine, run, "eve")).ok is False
    first = await vote_of(stage, engine, run, "ben", digest=asked.digest[:12])
    assert first.ok and "1 of 2" in first.text
    assert "already counts" in (await vote_of(stage, engine, run, "ben")).text
    assert stage.outside.effects == []
    assert "starts now" in (await vote_of(stage, engine, run, "chi")).text
    assert (await stage.ended(run)).state == "succeeded"
    assert len(stage.outside.effects) == 1
    kinds = await events(stage)
    assert kinds.count("approval.voted") == 5
    assert kinds.index("approval.granted") < kinds.index("step.started")
    await proven(stage)


async def test_a_run_that_rests_for_a_moment_is_taken_up_without_waiting_for_the_poll(stage: Any) -> None:
    engine = stage.engine(poll_s=30.0)
    await engine.start()
    stage.outside.visible = False
    run = await stage.request(DESTROY, engine)
    await stage.held(run)
    assert (await vote_of(stage, engine, run, "ben")).ok and (await vote_of(stage, engine, run, "chi")).ok
    await stage.until(lambda tx: (one := runs.steps_of(tx, run)[0]).state == "done" and one.wake_at)
    await stage.until(lambda tx: runs.get(tx, run).lease_owner is None)
    stage.outside.visible = True
    assert (await stage.ended(run)).state == "succeeded"


async def test_changed_target_voids_votes_and_asks_again(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(DESTROY, engine)
    await engine.start()
    first = await stage.held(run)
    await vote_of(stage, engine, run, "ben")
    stage.outside.target = "db-2"
    await vote_of(stage, engine, run, "chi")
    second = await stage.until(lambda tx: (a := runs.open_approval(tx, run)) and a.id != first.id and a)
    assert "db-2" in second.plan["effect"]
    assert stage.outside.effects == []
    stale = await vote_of(stage, engine, run, "dov", digest=first.digest[:12])
    assert stale.ok is False
    assert "not current" in stale.text
    await vote_of(stage, engine, run, "ben")
    await vote_of(stage, engine, run, "chi")
    assert (await stage.ended(run)).state == "succeeded"
    assert len(stage.outside.effects) == 1


async def test_deny_revoke_expiry(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(DESTROY, engine)
    await engine.start()
    await stage.held(run)
    await vote_of(stage, engine, run, "ben")
    said = await stage.db.write(lambda tx: revoke(tx, engine, run=run, actor=stage.actor("ben"), via="test"))
    assert "withdrawn" in said.text
    await vote_of(stage, engine, run, "chi")
    assert stage.outside.effects == []
    assert "Denied" in (await vote_of(stage, engine, run, "dov", "deny")).text
    await stage.ended(run, "paused")
    late = await vote_of(stage, engine, run, "ben")
    assert late.ok is False
    await stage.db.write(lambda tx: retry(tx, engine, run=run, actor=stage.actor("dov")))
    again = await stage.held(run)
    assert (await vote_of(stage, engine, run, "dov")).ok is False, "who pressed retry does not count"
    await stage.db.write(lambda tx: _expire(tx, again.id))
    engine.wake()
    await stage.ended(run, "paused")
    assert (await stage.db.read(lambda tx: runs.approval(tx, again.id))).state == "expired"
    assert stage.outside.effects == []


def _expire(tx: Any, id: str) -> None:
    from datetime import timedelta

    from sqlalchemy import update

    from storage.tables import approvals
    from storage.tables import runs as table

    tx.conn.execute(update(approvals).where(approvals.c.id == id).values(expires_at=tx.now - timedelta(seconds=1)))
    tx.conn.execute(update(table).values(ready_at=tx.now))


async def test_two_last_votes_at_once_give_one_start(stage: Any, url: str) -> None:
    engine = stage.engine()
    other = Database(url)
    run = await stage.request(DESTROY, engine)
    await engine.start()
    await stage.held(run)
    actors = [stage.actor("ben"), stage.actor("chi"), stage.actor("dov")]
    await asyncio.gather(
        *(
            handle.write(lambda tx, a=actor: vote(tx, engine, run=run, digest=None, actor=a, choice="approve", via="t"))
            for actor, handle in zip(actors, [stage.db, other, stage.db], strict=True)
        )
    )
    assert (await stage.ended(run)).state == "succeeded"
    assert len(stage.outside.effects) == 1
    assert (await events(stage)).count("approval.granted") == 1
    await other.close()


async def test_lost_outcome_nobody_can_tell_asks_a_person(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(DESTROY, engine)
    stage.outside.after = [Uncertain("no answer")]
    stage.outside.can_tell = False
    await engine.start()
    await stage.held(run)
    await vote_of(stage, engine, run, "ben")
    await vote_of(stage, engine, run, "chi")
    await stage.until(lambda tx: runs.steps_of(tx, run)[0].state == "asking", timeout=15)
    await stage.db.write(lambda tx: answer(tx, engine, run=run, step=None, actor=stage.actor("ben"), choice="happened"))
    assert (await stage.ended(run)).state == "succeeded"
    assert len(stage.outside.effects) == 1


async def test_abort_while_waiting_and_while_flying(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request(DESTROY, engine)
    await engine.start()
    await stage.held(run)
    await stage.db.write(lambda tx: abort(tx, engine, run=run, actor=stage.actor("ana")))
    await stage.ended(run, "aborted")
    stage.outside.gate = asyncio.Event()
    flying = await stage.request(TWO, engine)
    await stage.until(lambda tx: runs.steps_of(tx, flying)[0].state == "started")
    said = await stage.db.write(lambda tx: abort(tx, engine, run=flying, actor=stage.actor("ana")))
    assert "in flight" in said.text
    stage.outside.gate.set()
    await stage.ended(flying, "aborted")
    assert [s.state for s in await stage.steps(flying)] == ["succeeded", "aborted"]
    await proven(stage)


async def test_pause_and_resume(stage: Any) -> None:
    engine = stage.engine()
    stage.outside.gate = asyncio.Event()
    run = await stage.request(TWO, engine)
    await engine.start()
    await stage.until(lambda tx: runs.steps_of(tx, run)[0].state == "started")
    await stage.db.write(lambda tx: pause(tx, engine, run=run, actor=stage.actor("ana")))
    stage.outside.gate.set()
    await stage.ended(run, "paused")
    assert len(stage.outside.effects) == 1
    await stage.db.write(lambda tx: resume(tx, engine, run=run, actor=stage.actor("ana")))
    assert (await stage.ended(run, "succeeded")).state == "succeeded"


async def test_a_question_parks_and_an_answer_resumes(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request("  - {id: ask, uses: toy.ask}\n", engine)
    await engine.start()
    await stage.until(lambda tx: runs.steps_of(tx, run)[0].state == "parked")
    await stage.until(lambda tx: runs.get(tx, run).state == "waiting")
    assert (await stage.db.read(lambda tx: runs.get(tx, run))).lease_owner is None, "a parked run holds nothing"
    await stage.db.write(lambda tx: answer(tx, engine, run=run, step=None, actor=stage.actor("ben"), choice="yes"))
    assert (await stage.ended(run)).state == "succeeded"


async def test_the_second_destructive_run_on_a_resource_is_told_who_holds_it(stage: Any) -> None:
    engine = stage.engine()
    first = await stage.request(DESTROY, engine)
    await engine.start()
    await stage.held(first)
    second = await stage.request(DESTROY, engine, by="eve")
    await stage.ended(second, "paused")
    error = (await stage.steps(second))[0].error
    assert first in error
    assert "Ana" in error
    assert f"/playbook abort {first}" in error


async def test_a_replica_that_dies_is_taken_over_and_the_old_one_is_fenced(stage: Any, url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite has one runner by design")
    one, two = stage.engine("one"), stage.engine("two", Database(url))
    stage.outside.gate, stage.outside.shown = asyncio.Event(), asyncio.Event()
    run = await stage.request("  - {id: two, uses: toy.never, with: {tag: two}}\n", one)
    await one.start()
    await stage.until(lambda tx: runs.steps_of(tx, run)[0].state == "started")
    one._stopping = True  # the replica lives on but claims and renews nothing: as after a long stop
    one._stopped.set()
    await two.start()
    await stage.until(lambda tx: runs.get(tx, run).lease_owner == "two", timeout=60)
    stage.outside.gate.set()
    await stage.until(lambda tx: stage.outside.effects)
    stage.outside.shown.set()
    ended = await stage.ended(run)
    assert ended.state == "succeeded"
    kinds = await events(stage)
    assert "step.unknown" in kinds
    assert len(stage.outside.effects) == 1
    await two.stop()
    stage.engines.remove(two)
    await two.house.db.close()


async def test_every_risk_below_destructive_needs_nobody(stage: Any) -> None:
    engine = stage.engine()
    run = await stage.request("  - {id: look, uses: toy.safe}\n" + TWO, engine)
    await engine.start()
    assert (await stage.ended(run)).state == "succeeded"
    assert await stage.db.read(lambda tx: runs.approvals_of(tx, run)) == []
