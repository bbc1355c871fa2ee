"""Votes and the words people get for them. Every attempt is an event, refused ones too; a refusal changes no count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from playbooks.directory import Person
from playbooks.engine.requests import abort, revoke, vote
from storage import runs, timeline
from storage.tables import approvals

DESTROY = "  - {id: boom, uses: toy.destroy, with: {tag: boom}}\n"


class Booth:
    """A run held for approval by an engine that then stands still, so that only votes move."""

    def __init__(self, stage: Any, engine: Any, run: str, asked: runs.Approval) -> None:
        self.stage, self.engine, self.run, self.asked = stage, engine, run, asked

    async def vote(self, who: str | Person, choice: str = "approve", digest: str | None = None, **more: Any) -> Any:
        actor = self.stage.actor(who) if isinstance(who, str) else who
        return await self.stage.db.write(
            lambda tx: vote(
                tx, self.engine, run=self.run, digest=digest, actor=actor, choice=choice, via="test", **more
            )
        )

    async def revoke(self, who: str) -> Any:
        actor = self.stage.actor(who)
        return await self.stage.db.write(lambda tx: revoke(tx, self.engine, run=self.run, actor=actor, via="test"))

    async def now(self) -> runs.Approval:
        return await self.stage.db.read(lambda tx: runs.approval(tx, self.asked.id))

    async def counted(self) -> list[bool]:
        said = await self.stage.db.read(lambda tx: timeline.read(tx, "org", types=("approval.voted",)))
        return [event.body["counted"] for event in said]


@pytest.fixture
async def booth(stage: Any) -> Booth:
    engine = stage.engine()
    run = await stage.request(DESTROY, engine)
    await engine.start()
    asked = await stage.held(run)
    await stage.until(lambda tx: runs.get(tx, run).state == "waiting")
    await engine.stop()
    return Booth(stage, engine, run, asked)


@pytest.mark.parametrize(("who", "words"), [
    ("ana", "You asked for this run"), ("eve", "Approving needs `@sre`"),
])  # fmt: skip
async def test_who_may_not_is_told_why_and_who_may(booth: Booth, who: str, words: str) -> None:
    said = await booth.vote(who)
    assert said.ok is False
    assert words in said.text
    assert "Ben" in said.text
    assert await booth.counted() == [False]
    assert (await booth.now()).state == "open"


async def test_an_unknown_account_is_refused_and_on_the_record(booth: Booth) -> None:
    nobody = Person("slack", "T9/U9", None, "Stranger", "You are a guest.", frozenset(), False)
    said = await booth.vote(nobody)
    assert (said.ok, await booth.counted()) == (False, [False])
    assert "You are a guest." in said.text


async def test_one_person_one_vote(booth: Booth) -> None:
    assert "1 of 2" in (await booth.vote("ben")).text
    again = await booth.vote("ben")
    assert again.text == "Your approval already counts."
    assert await booth.counted() == [True, False]
    assert (await booth.now()).state == "open"


async def test_the_last_vote_says_that_it_starts(booth: Booth) -> None:
    await booth.vote("ben", digest=booth.asked.digest)
    said = await booth.vote("chi", digest=booth.asked.digest[:12])
    assert "2 of 2: it starts now" in said.text
    assert (await booth.now()).state == "granted"


async def test_an_old_card_is_refused(booth: Booth) -> None:
    said = await booth.vote("ben", digest="00" * 6)
    assert (said.ok, "not current any more" in said.text) == (False, True)
    assert await booth.counted() == [False]


async def test_an_expired_one_is_refused(booth: Booth) -> None:
    past = update(approvals).where(approvals.c.id == booth.asked.id)
    await booth.stage.db.write(
        lambda tx: tx.conn.execute(past.values(expires_at=tx.now - timedelta(seconds=1))) and None
    )
    said = await booth.vote("ben")
    assert (said.ok, "It expired at" in said.text) == (False, True)


async def test_no_such_run_and_nothing_to_vote_on(booth: Booth) -> None:
    run, booth.run = booth.run, "INC-404/1"
    assert "There is no run" in (await booth.vote("ben")).text
    assert "There is no run" in (await booth.revoke("ben")).text
    booth.run = await booth.stage.request(DESTROY, booth.engine)
    assert "waits for approval" in (await booth.vote("ben")).text
    booth.run = run
    assert (await booth.revoke("ben")).text.startswith(f"You have approved nothing in {run}. Nothing was changed.")


async def test_deny_stops_it_and_later_votes_change_nothing(booth: Booth) -> None:
    await booth.vote("ben")
    said = await booth.vote("chi", "deny", reason="wrong database")
    assert "Nothing was changed" in said.text
    step = (await booth.stage.steps(booth.run))[0]
    assert (step.state, step.error) == ("failed", "Denied by Chi: wrong database")
    late = await booth.vote("dov")
    assert (late.ok, "It was denied" in late.text) == (False, True)


async def test_the_requester_may_always_stop_it(booth: Booth) -> None:
    assert (await booth.vote("ana", "deny")).ok
    assert (await booth.now()).state == "denied"


async def test_who_may_not_approve_may_not_deny(booth: Booth) -> None:
    assert (await booth.vote("eve", "deny")).ok is False
    assert (await booth.now()).state == "open"


async def test_revoke_before_the_start_takes_it_back(booth: Booth) -> None:
    await booth.vote("ben")
    await booth.vote("chi")
    assert "1 of 2. Nothing has started" in (await booth.revoke("ben")).text
    assert (await booth.now()).state == "open"
    assert "2 of 2" in (await booth.vote("dov")).text


async def test_revoke_after_the_start_is_a_request_to_stop(booth: Booth) -> None:
    await booth.vote("ben")
    await booth.vote("chi")
    stage = booth.stage
    stage.outside.visible = False
    again = stage.engine("again")
    await again.start()
    await stage.until(lambda tx: runs.steps_of(tx, booth.run)[0].state == "done")
    said = await booth.revoke("ben")
    assert "cannot be called back" in said.text
    await stage.ended(booth.run, "paused")
    assert len(stage.outside.effects) == 1


async def test_votes_after_the_end(booth: Booth) -> None:
    await booth.vote("ben")
    await booth.stage.db.write(lambda tx: abort(tx, booth.engine, run=booth.run, actor=booth.stage.actor("ana")))
    said = await booth.vote("chi")
    assert (said.ok, "It is void: the run was aborted" in said.text) == (False, True)
    assert (await booth.revoke("ben")).ok is False
