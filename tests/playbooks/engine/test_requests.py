"""What people ask of a run, and the words they get when it cannot be done: nothing is changed then."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.engine import requests
from playbooks.engine.requests import abort, pause, resume, retry, skip
from playbooks.engine.transition import Changes, lock, transition
from playbooks.errors import Refused
from storage import runs, timeline

TWO = """
  - {id: one, uses: toy.keyed, with: {tag: one}}
  - {id: two, uses: toy.never, with: {tag: two}}
"""


class Asked:
    """A run of which the test sets the states, and people who ask things of it. No engine runs."""

    def __init__(self, stage: Any, engine: Any, run: str) -> None:
        self.stage, self.engine, self.run = stage, engine, run

    async def put(self, state: str | None = None, *moves: dict[int, dict[str, Any]], **values: Any) -> None:
        def write(tx: Any) -> None:
            for change in moves:
                transition(tx, lock(tx, self.run), Changes(steps=change))
            transition(tx, lock(tx, self.run), Changes(run={**({"state": state} if state else {}), **values}))

        await self.stage.db.write(write)

    async def __call__(self, what: Any, by: str = "ben", **more: Any) -> str:
        actor = self.stage.actor(by)
        said = await self.stage.db.write(lambda tx: what(tx, self.engine, run=self.run, actor=actor, **more))
        return str(said.text)

    async def refused(self, what: Any, **more: Any) -> str:
        before = await self.rows()
        with pytest.raises(Refused) as error:
            await self(what, **more)
        assert await self.rows() == before, "a refusal changes nothing"
        return str(error.value)

    async def rows(self) -> Any:
        return await self.stage.db.read(
            lambda tx: (runs.get(tx, self.run), runs.steps_of(tx, self.run), timeline.head(tx, "org"))
        )

    async def state(self) -> tuple[str, list[str]]:
        run, steps, _ = await self.rows()
        return run.state, [step.state for step in steps]


@pytest.fixture
async def of(stage: Any) -> Any:
    async def make(text: str = TWO) -> Asked:
        engine = stage.engine()
        return Asked(stage, engine, await stage.request(text, engine))

    return make


BAD = ({1: {"state": "failed", "error": "the outside said no"}},)


@pytest.mark.parametrize("verb", ["pause", "resume", "abort", "retry", "skip"])
async def test_no_such_run_and_an_ended_one(of: Any, verb: str) -> None:
    asked = await of()
    more = {"skip": {"reason": "x"}}.get(verb, {})
    real, asked.run = asked.run, "INC-404/1"
    with pytest.raises(Refused, match="no run \\*\\*INC-404/1"):
        await asked(getattr(requests, verb), **more)
    asked.run = real
    await asked.put("aborted")
    words = await asked.refused(getattr(requests, verb), **more)
    assert "has ended: aborted" in words
    assert "/playbook run toy/run" in words


async def test_pause_twice_and_go_on(of: Any) -> None:
    asked = await of()
    assert "starts nothing new" in await asked(pause)
    assert (await asked.state())[0] == "paused"
    assert "paused already" in await asked(pause)
    assert "goes on" in await asked(resume)
    assert (await asked.state())[0] == "running"
    assert "is not paused; it is running" in await asked.refused(resume)


async def test_pause_in_flight_is_taken_back_by_resume(of: Any) -> None:
    asked = await of()
    await asked.put("running", {1: {"state": "started"}})
    assert "Step 1 toy.keyed is in flight" in await asked(pause)
    assert (await asked.rows())[0].stop_asked == "pause"
    assert "goes on" in await asked(resume)
    assert (await asked.rows())[0].stop_asked is None


async def test_resume_names_what_is_in_the_way(of: Any) -> None:
    asked = await of()
    await asked.put("running", *BAD)
    await asked.put("paused")
    words = await asked.refused(resume)
    assert "Step 1 toy.keyed" in words
    assert "the outside said no" in words
    assert all(f"/playbook {verb} {asked.run}" in words for verb in ("retry", "skip", "abort"))


async def test_abort_says_what_is_done_and_not_undone(of: Any) -> None:
    asked = await of()
    assert "It had changed nothing" in await asked(abort)
    assert await asked.state() == ("aborted", ["aborted", "aborted"])
    second = await of()
    await second.put("running", {1: {"state": "started"}}, {1: {"state": "succeeded", "outputs": {"name": "one"}}})
    assert "Already done and not undone: 1 toy.keyed" in await second(abort)
    assert await second.state() == ("aborted", ["succeeded", "aborted"])


async def test_abort_in_flight_waits_and_forbids_pausing(of: Any) -> None:
    asked = await of()
    await asked.put("running", {1: {"state": "started"}})
    assert "is finished first" in await asked(abort)
    assert await asked.state() == ("running", ["started", "pending"])
    assert "is being aborted" in await asked.refused(pause)


async def test_retry_is_a_new_attempt_whose_asker_is_a_requester(of: Any) -> None:
    asked = await of()
    assert "is failed or uncertain" in await asked.refused(retry)
    await asked.put("running", *BAD)
    await asked.put("paused")
    said = await asked(retry, reason="now it may")
    assert "tries step 1 toy.keyed again" in said and "twice" not in said
    step = (await asked.rows())[1][0]
    assert (step.state, step.attempt, step.key, step.error) == ("pending", 2, None, None)
    assert step.requesters == [asked.stage.persons["ben"]]


async def test_a_retry_of_what_may_have_happened_says_that_it_may_happen_twice(of: Any) -> None:
    asked = await of()
    await asked.put("running", {1: {"state": "started"}}, {1: {"state": "unknown"}}, {1: {"state": "uncertain"}})
    assert "is not known: if it happened, it may happen twice" in await asked(retry)


async def test_a_named_step_that_is_not_there_or_not_in_that_state(of: Any) -> None:
    asked = await of()
    await asked.put("running", *BAD)
    assert "has no step **three**; it has one, two" in await asked.refused(retry, step="three")
    assert "Step 2 toy.never is pending" in await asked.refused(retry, step="two")
    assert "step 1" in await asked(retry, step="1")


async def test_skip_wants_a_reason_and_something_that_waits(of: Any) -> None:
    asked = await of()
    assert "needs a reason" in await asked.refused(skip, reason="  ")
    assert "Nothing in" in await asked.refused(skip, reason="not needed")
    assert "without step 2" in await asked(skip, reason="not needed", step="two")
    await asked.put("running", *BAD)
    assert "without step 1" in await asked(skip, reason="done by hand")
    assert await asked.state() == ("running", ["skipped", "skipped"])
