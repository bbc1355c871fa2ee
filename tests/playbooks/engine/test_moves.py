"""The tables of moves: each has its reason, nothing leads out of an end, and the engine's code uses what stands there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.engine import moves
from playbooks.engine.moves import APPROVAL_LIVE, APPROVAL_MOVES, RUN_ENDED, RUN_MOVES, STEP_BAD, STEP_ENDED, STEP_MOVES

TABLES = {"run": (RUN_MOVES, "queued"), "step": (STEP_MOVES, "pending"), "approval": (APPROVAL_MOVES, "open")}
# A retry opens these again: the run of a step that failed, and what was skipped because of it. All other ends are final.
AGAIN = {("incomplete", "running"), ("skipped", "pending")}
FINAL = {"run": RUN_ENDED - {"incomplete"}, "step": STEP_ENDED - STEP_BAD - {"skipped"}, "approval": None}
STATES = {what: sorted({state for pair in table for state in pair}) for what, (table, _) in TABLES.items()}


@pytest.mark.parametrize("what", TABLES)
def test_every_move_has_its_reason_and_goes_somewhere(what: str) -> None:
    for (before, after), reason in TABLES[what][0].items():
        assert before != after
        assert reason.strip() == reason != ""
        assert moves.check(what, before, after) == reason


@pytest.mark.parametrize("what", TABLES)
def test_every_state_can_be_reached_and_left_or_is_an_end(what: str) -> None:
    table, first = TABLES[what]
    reached = {first}
    while more := {after for before, after in table if before in reached} - reached:
        reached |= more
    assert reached == set(STATES[what])
    stuck = {state for state in STATES[what] if not any(before == state for before, _ in table)}
    assert (
        stuck
        == {
            "run": set(FINAL["run"]),
            "step": set(FINAL["step"]),
            "approval": set(STATES["approval"]) - APPROVAL_LIVE - {"used"},
        }[what]
    )


def test_every_step_that_is_not_over_can_be_aborted_or_is_resolved_first() -> None:
    going = set(STATES["step"]) - STEP_ENDED
    assert {state for state in going if (state, "aborted") not in STEP_MOVES} == set()


def test_only_a_person_or_a_late_outcome_leads_out_of_a_bad_end() -> None:
    ways = {(before, after) for before, after in STEP_MOVES if before in STEP_BAD}
    assert {after for _, after in ways} == {"pending", "skipped", "done"}
    assert ("failed", "done") not in ways


def test_only_a_retry_opens_an_end_again() -> None:
    ways = {move for move in RUN_MOVES if move[0] in RUN_ENDED} | {
        move for move in STEP_MOVES if move[0] in STEP_ENDED - STEP_BAD
    }
    assert ways == AGAIN


def test_nothing_reaches_started_but_from_where_it_is_written_first() -> None:
    assert {before for before, after in STEP_MOVES if after == "started"} == {"pending", "held", "parked"}
    assert {before for before, after in APPROVAL_MOVES if after == "used"} == {"granted"}
    assert {before for before, after in APPROVAL_MOVES if after == "granted"} == {"open", "used"}


def test_an_approval_that_said_no_never_lives_again() -> None:
    for before, after in APPROVAL_MOVES:
        if after in APPROVAL_LIVE:
            assert before in ("open", "granted", "used")


@given(what=st.sampled_from(sorted(TABLES)), data=st.data())
def test_any_walk_of_legal_moves_stays_in_the_table_and_never_leaves_an_end(what: str, data: Any) -> None:
    table, state = TABLES[what]
    for _ in range(data.draw(st.integers(1, 40))):
        ways = sorted(after for before, after in table if before == state)
        if not ways:
            break
        after = data.draw(st.sampled_from(ways))
        moves.check(what, state, after)
        final = FINAL[what]
        assert final is None or state not in final
        state = after
    for after in STATES[what]:
        if FINAL[what] is not None and state in FINAL[what]:
            with pytest.raises(moves.IllegalMove):
                moves.check(what, state, after)


@given(what=st.sampled_from(sorted(TABLES)), data=st.data())
def test_any_pair_is_legal_exactly_when_it_stands_there(what: str, data: Any) -> None:
    pair = data.draw(st.tuples(st.sampled_from(STATES[what]), st.sampled_from(STATES[what])))
    if pair in TABLES[what][0]:
        assert moves.check(what, *pair)
    else:
        with pytest.raises(moves.IllegalMove, match=f"{what}: {pair[0]} -> {pair[1]}"):
            moves.check(what, *pair)
