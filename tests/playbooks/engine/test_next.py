"""`next_moves` is pure: what a run does next, by its rows and the database's time. Order, lanes, waiting, ending."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from playbooks.action import Risk
from playbooks.engine import moves
from playbooks.engine.next import Do, Next, next_moves
from storage.runs import Approval, Run, Step

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
SOON, PAST = NOW + timedelta(seconds=5), NOW - timedelta(seconds=5)


def run(**values: Any) -> Run:
    return Run(**{**dict.fromkeys((f.name for f in fields(Run)), None), "id": "INC-1/1", "state": "running", **values})


def step(idx: int, state: str = "pending", **values: Any) -> Step:
    base = dict.fromkeys((f.name for f in fields(Step)), None)
    base |= {"run": "INC-1/1", "idx": idx, "id": f"s{idx}", "uses": "toy.x", "risk": int(Risk.WRITE), "tries": 0}
    return Step(**{**base, "on_failure": "pause", "state": state, "attempt": 1, **values})


def lane(idx: int, name: str, state: str = "pending", **values: Any) -> Step:
    return step(idx, state, grp="g", lane=name, **values)


def approval(state: str = "open", expires_at: datetime = SOON) -> Approval:
    base = dict.fromkeys((f.name for f in fields(Approval)), None)
    return Approval(**{**base, "id": "a", "state": state, "expires_at": expires_at})


def look(*steps: Step, flying: tuple[int, ...] = (), asked: Approval | None = None, **values: Any) -> Next:
    return next_moves(run(**values), steps, {"a": asked} if asked else {}, NOW, flying)


def dos(found: Next) -> list[tuple[str, int]]:
    return [(do.kind, do.idx) for do in found.do]


def test_one_step_after_the_other() -> None:
    assert dos(look(step(1), step(2))) == [("start", 1)]
    assert dos(look(step(1, "succeeded"), step(2))) == [("start", 2)]
    assert dos(look(step(1, "started"), step(2), flying=(1,))) == []
    assert dos(look(step(1, "skipped"), step(2, "failed", on_failure="continue"), step(3))) == [("start", 3)]


@pytest.mark.parametrize("state", sorted(moves.RUN_ENDED))
def test_an_ended_run_does_nothing(state: str) -> None:
    assert look(step(1), state=state) == Next()


def test_it_ends_well_or_incomplete() -> None:
    assert look(step(1, "succeeded"), step(2, "skipped")).end == "succeeded"
    assert look(step(1, "failed", on_failure="continue"), step(2, "succeeded")).end == "incomplete"
    assert look(step(1, "uncertain", on_failure="continue")).end == "incomplete"
    assert look(step(1, "succeeded"), step(2, "started"), flying=(2,)).end is None


def test_a_failure_pauses_and_names_the_step() -> None:
    found = look(step(1, "failed"), step(2))
    assert (dos(found), found.pause, found.end) == ([], "step 1 toy.x failed", None)
    assert look(step(1, "uncertain"), step(2)).pause == "step 1 toy.x uncertain"


def test_lanes_go_together_and_the_barrier_holds() -> None:
    steps = [lane(1, "a"), lane(2, "a"), lane(3, "b"), step(4)]
    assert dos(look(*steps)) == [("start", 1), ("start", 3)]
    steps[0] = lane(1, "a", "succeeded")
    assert dos(look(*steps, flying=())) == [("start", 2), ("start", 3)]
    done = [lane(1, "a", "succeeded"), lane(2, "a", "succeeded"), lane(3, "b", "started"), step(4)]
    assert dos(look(*done, flying=(3,))) == [], "the group is not over"
    done[2] = lane(3, "b", "succeeded")
    assert dos(look(*done)) == [("start", 4)]


def test_two_groups_in_a_row_are_two_barriers() -> None:
    first, second = lane(1, "a"), replace(lane(2, "a"), grp="h")
    assert dos(look(first, second)) == [("start", 1)]


def test_a_retrying_lane_lets_what_follows_go_on() -> None:
    retrying = lane(1, "a", tries=1, wake_at=SOON, on_failure="continue")
    found = look(retrying, lane(2, "b", "succeeded"), step(3))
    assert dos(found) == [("start", 3)]
    assert found.wake_at == SOON
    assert dos(look(replace(retrying, wake_at=PAST), step(3))) == [("start", 1), ("start", 3)]
    assert dos(look(replace(retrying, on_failure="pause"), step(3))) == []
    assert look(retrying, step(3, "succeeded")).end is None, "the run ends when the last lane has"


def test_a_step_that_waits_for_one_tried_again_lets_what_follows_go_on() -> None:
    retrying = step(1, tries=1, wake_at=SOON, on_failure="continue")
    waits = step(2, wake_at=SOON, note="waits for step 1 toy.x", on_failure="continue")
    assert dos(look(retrying, waits, step(3))) == [("start", 3)]
    assert dos(look(retrying, replace(waits, on_failure="pause"), step(3))) == []
    assert look(step(1, "succeeded"), waits, step(3, "succeeded")).end is None, "it has its turn yet"


def test_a_lane_being_looked_at_lets_what_follows_go_on() -> None:
    assert dos(look(lane(1, "a", "done", wake_at=SOON, on_failure="continue"), step(2))) == [("start", 2)]
    assert dos(look(lane(1, "a", "done", wake_at=SOON), step(2))) == []


def test_a_failure_in_a_lane_lets_the_others_end_and_begins_nothing() -> None:
    bad = lane(1, "a", "failed")
    assert dos(look(bad, lane(2, "b"), step(3))) == []
    found = look(bad, lane(2, "b", "started"), flying=(2,))
    assert (found.pause, found.end) == (None, None), "not paused while something is in flight"
    assert dos(look(bad, lane(2, "b", "done"))) == [("verify", 2)]
    assert dos(look(bad, lane(2, "b", "unknown"))) == [("reconcile", 2)]
    assert look(bad, lane(2, "b", "parked", question={}, deadline=SOON)).pause, "a question does not hold it up"


def test_a_failure_first_finds_out_what_became_of_another_lane() -> None:
    found = look(lane(1, "a", "failed"), lane(2, "b", "unknown", wake_at=SOON), step(3))
    assert (dos(found), found.pause, found.wake_at) == ([], None, SOON)
    found = look(lane(1, "a", "failed"), lane(2, "b", "done", wake_at=SOON), step(3))
    assert found.pause, "the effect is known; the look at it goes on when the run does"


def test_paused_does_nothing_by_itself() -> None:
    found = look(step(1), state="paused")
    assert (dos(found), found.end) == ([], None)


def test_pause_asked_starts_nothing_and_waits_for_the_flight() -> None:
    found = look(step(1, "started"), step(2), flying=(1,), stop_asked="pause")
    assert (dos(found), found.pause) == ([], None)
    found = look(step(1, "succeeded"), step(2), stop_asked="pause")
    assert (dos(found), found.pause, found.end) == ([], "a person paused it", None)


def test_abort_asked_ends_it_after_the_flight() -> None:
    assert look(step(1, "started"), flying=(1,), stop_asked="abort").end is None
    assert look(step(1, "succeeded"), step(2), stop_asked="abort").end == "aborted"
    assert look(step(1, "held", approval="a"), asked=approval("granted"), stop_asked="abort").end == "aborted"


@pytest.mark.parametrize("stop", ["pause", "abort"])
def test_a_stop_first_finds_out_what_happened(stop: str) -> None:
    assert dos(look(step(1, "started"), stop_asked=stop)) == [("lost", 1)]
    assert dos(look(step(1, "unknown"), stop_asked=stop)) == [("reconcile", 1)]
    later = look(step(1, "unknown", wake_at=SOON, tries=1), stop_asked=stop)
    assert dos(later) == [("reconcile", 1)], "nobody waits for the next look before a stop"
    flying = look(step(1, "unknown"), stop_asked=stop, flying=(1,))
    assert (dos(flying), flying.end, flying.pause) == ([], None, None)


def test_started_here_flies_started_elsewhere_is_lost() -> None:
    assert dos(look(step(1, "started"), flying=(1,))) == []
    assert dos(look(step(1, "started"))) == [("lost", 1)]


def test_a_probe_between_two_looks_is_not_lost() -> None:
    found = look(step(1, "started", wake_at=SOON))
    assert (dos(found), found.wake_at) == ([], SOON)
    assert dos(look(step(1, "started", wake_at=PAST))) == [("probe", 1)]


def test_unknown_is_looked_into_and_asking_waits_for_a_person() -> None:
    assert dos(look(step(1, "unknown"))) == [("reconcile", 1)]
    assert look(step(1, "unknown", wake_at=SOON)).wake_at == SOON
    found = look(step(1, "asking"), step(2))
    assert found == Next(), "only rows can change that"


DESTRUCTIVE = int(Risk.RECOVERABLE)


def test_destructive_asks_first() -> None:
    assert dos(look(step(1, risk=DESTRUCTIVE))) == [("ask", 1)]
    assert dos(look(step(1, risk=int(Risk.IRREVERSIBLE)))) == [("ask", 1)]
    assert dos(look(step(1, risk=int(Risk.CONTAIN)))) == [("ask", 1)]


def test_held_waits_for_the_quorum_and_the_expiry() -> None:
    held = step(1, "held", risk=DESTRUCTIVE, approval="a")
    found = look(held, asked=approval())
    assert (dos(found), found.wake_at) == ([], SOON)
    assert dos(look(held, asked=approval("granted"))) == [("start", 1)]
    assert dos(look(held, asked=approval("open", PAST))) == [("expire", 1)]
    assert dos(look(held, asked=approval("granted", NOW))) == [("expire", 1)], "at the boundary it is over"
    assert dos(look(held, asked=approval("denied"))) == []


def test_a_kept_approval_starts_again_without_asking() -> None:
    kept = step(1, risk=DESTRUCTIVE, approval="a")
    assert dos(look(kept, asked=approval("granted"))) == [("start", 1)]
    assert dos(look(kept, asked=approval("granted", PAST))) == [("expire", 1)]
    assert dos(look(kept, asked=approval("used"))) == [("ask", 1)]
    assert dos(look(replace(kept, wake_at=SOON), asked=approval("granted"))) == []


def test_parked_waits_for_an_answer_a_time_or_its_deadline() -> None:
    asked = step(1, "parked", question={"text": "?"}, deadline=SOON)
    found = look(asked)
    assert (dos(found), found.wake_at) == ([], SOON)
    assert dos(look(replace(asked, deadline=PAST))) == [("overdue", 1)]
    assert dos(look(replace(asked, answer={"choice": "yes"}))) == [("resume", 1)]
    assert dos(look(replace(asked, answer={"choice": "yes"}, deadline=PAST))) == [("resume", 1)], "late, but given"
    timed = step(1, "parked", wake_at=SOON)
    assert look(timed).wake_at == SOON
    assert dos(look(replace(timed, wake_at=PAST))) == [("resume", 1)]


def test_done_is_verified_and_waits_between_looks() -> None:
    assert dos(look(step(1, "done"), step(2))) == [("verify", 1)]
    found = look(step(1, "done", wake_at=SOON), step(2))
    assert (dos(found), found.wake_at) == ([], SOON)


def test_the_earliest_time_is_the_next_look() -> None:
    first = NOW + timedelta(seconds=1)
    found = look(lane(1, "a", "done", wake_at=SOON), lane(2, "b", "done", wake_at=first))
    assert found.wake_at == first


def test_do_is_a_value() -> None:
    assert Do("start", 1) == Do("start", 1)
