"""No destructive step without a quorum, whatever the rows say: what comes next is asked over all states of all steps.

The engine starts what `next_moves` says, so this is the place where "start" must never be said too early. (Votes,
digests and people are counted again inside the start's transaction; tests/playbooks/engine shows that.)
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbooks.action import Again, Risk, find, load_actions
from playbooks.engine import next as next_module
from playbooks.engine.moves import APPROVAL_MOVES, RUN_MOVES, STEP_MOVES
from playbooks.engine.next import Kind, next_moves
from playbooks.engine.starting import _step as row_of
from storage.runs import Approval, Run, Step

NOW = datetime(2026, 11, 20, 14, 7, tzinfo=UTC)
ACTIONS = {name: cls for name, cls in load_actions().items() if cls.__module__.startswith("playbooks.actions.")}
DESTRUCTIVE = sorted(name for name, cls in ACTIONS.items() if cls.risk.destructive)
CONTAIN = sorted(name for name, cls in ACTIONS.items() if cls.risk is Risk.CONTAIN)


def states(moves: Iterable[tuple[str, str]]) -> list[str]:
    return sorted({state for move in moves for state in move})


RUN_STATES, STEP_STATES, APPROVAL_STATES = states(RUN_MOVES), states(STEP_MOVES), states(APPROVAL_MOVES)


def blank(cls: Any, **values: Any) -> Any:
    """A row with everything empty but these."""
    return cls(**{field.name: values.get(field.name) for field in dataclasses.fields(cls)})


TIMES = (None, NOW - timedelta(seconds=1), NOW, NOW + timedelta(seconds=1))
BEYOND = (-1, 0, 1)  # seconds until an approval expires
HURTS = [int(risk) for risk in Risk if risk.guarded]


def asked_for(idx: int, state: str, seconds: int) -> dict[str, Any]:
    expires = NOW + timedelta(seconds=seconds)
    return {f"a{idx}": blank(Approval, id=f"a{idx}", idx=idx, state=state, expires_at=expires)}


def too_early(run: Any, steps: list[Any], approvals: dict[str, Any], flying: Iterable[int] = ()) -> list[str]:
    """Starts said for guarded steps (destructive, contain) whose approval is not granted, or over."""
    found = []
    for do in next_moves(run, steps, approvals, NOW, tuple(flying)).do:
        step = steps[do.idx - 1]
        asked = approvals.get(step.approval or "")
        if do.kind != "start" or not Risk(step.risk).guarded:
            continue
        if asked is None or asked.state != "granted" or asked.expires_at <= NOW:
            found.append(f"{run.state}: step {step.idx} {step.state}, approval {asked and asked.state}")
    return found


def alone() -> Iterator[tuple[Any, list[Any], dict[str, Any]]]:
    """One destructive step, in every state of run, step and approval, at every side of every time."""
    asks = [(None, {}), ("a1", {})]
    asks += [("a1", asked_for(1, state, seconds)) for state in APPROVAL_STATES for seconds in BEYOND]
    for run_state, stop in product(RUN_STATES, (None, "pause", "abort")):
        run = blank(Run, id="INC-1/1", state=run_state, stop_asked=stop)
        for state, risk, (approval, rows), wake in product(STEP_STATES, HURTS, asks, TIMES):
            for answer in (None, {"choice": "yes"}):
                step = blank(Step, run="INC-1/1", idx=1, id="s1", uses="toy.any", risk=risk, state=state, tries=1, attempt=1,
                             on_failure="pause", approval=approval, wake_at=wake, answer=answer)  # fmt: skip
                yield run, [step], rows


@st.composite
def together(draw: Any) -> tuple[Any, list[Any], dict[str, Any], set[int]]:
    """A run with up to five steps, in order and in lanes; most of them could go on now."""
    run = blank(Run, id="INC-1/1", state="running", stop_asked=draw(st.sampled_from([None, None, None, "pause"])))
    steps, approvals = [], {}
    for idx in range(1, draw(st.integers(2, 5)) + 1):
        state = draw(st.sampled_from(["pending", "held", "held", "succeeded", "done", *STEP_STATES]))
        approval = draw(st.sampled_from(["granted", "open", *APPROVAL_STATES]))
        approvals |= asked_for(idx, approval, draw(st.sampled_from(BEYOND)))
        group = draw(st.sampled_from([None, "g", "h"]))
        steps.append(blank(
            Step, run="INC-1/1", idx=idx, id=f"s{idx}", uses="toy.any", risk=draw(st.sampled_from(list(map(int, Risk)))),
            state=state, grp=group, lane=draw(st.sampled_from(["a", "b"])) if group else None, attempt=1,
            on_failure=draw(st.sampled_from(["pause", "continue"])), tries=draw(st.integers(0, 1)),
            approval=draw(st.sampled_from([None, f"a{idx}", f"a{idx}"])), wake_at=draw(st.sampled_from([None, None, *TIMES])),
        ))  # fmt: skip
    return run, steps, approvals, draw(st.sets(st.integers(1, 5), max_size=1))


def test_nothing_destructive_starts_without_a_granted_approval() -> None:
    worlds = list(alone())
    assert [found for world in worlds for found in too_early(*world)] == []
    starts = [world for world in worlds if any(do.kind == "start" for do in next_moves(*world, NOW).do)]
    assert {rows["a1"].state for _, _, rows in starts} == {"granted"}, "and with one it does"


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(together())
def test_not_among_other_steps_either(world: Any) -> None:
    assert too_early(*world) == []


def _at_once(step: Any, approvals: Any, now: datetime, found: Any) -> Any:
    return next_module.Do("start", step.idx)


def _whatever_the_time(step: Any, approvals: Any, now: datetime, found: Any) -> Any:
    asked = approvals.get(step.approval or "")
    return next_module.Do("start", step.idx) if asked and asked.state == "granted" else None


def _when_asked(step: Any, approvals: Any, now: datetime, found: Any) -> Any:
    asked = approvals.get(step.approval or "")
    return next_module.Do("start", step.idx) if asked and asked.state in ("open", "granted") else None


@pytest.mark.parametrize(
    ("name", "fault"), [("_pending", _at_once), ("_held", _whatever_the_time), ("_held", _when_asked)]
)
def test_a_planted_early_start_is_found(monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[..., Any]) -> None:
    monkeypatch.setattr(next_module, name, fault)
    assert any(too_early(*world) for world in alone())


def test_only_these_moves_reach_run_or_resume() -> None:
    """`start` is the one move that makes an effect first; `resume` continues one that was approved."""
    assert set(typing.get_args(Kind)) == {
        "start", "ask", "expire", "probe", "resume", "overdue", "verify", "lost", "reconcile",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(ACTIONS))
@pytest.mark.parametrize("raised", [None, *Risk])
def test_a_row_never_says_less_than_the_action(name: str, raised: Risk | None) -> None:
    """The walk of the registry: the risk a step row is given is the action's own, or more."""
    spec = SimpleNamespace(
        index=1, id="one", uses=name, title="", phase=None, group=None, lane=None, risk=raised, on_failure="pause"
    )
    row = row_of("INC-1/1", spec)
    assert row["risk"] == max(ACTIONS[name].risk, raised or Risk.READ)
    step = blank(Step, **row)
    found = next_moves(blank(Run, id="INC-1/1", state="running"), [step], {}, NOW)
    wanted = "ask" if Risk(row["risk"]).guarded else "start"
    assert [do.kind for do in found.do] == [wanted]


@pytest.mark.parametrize("name", [*DESTRUCTIVE, *CONTAIN])
def test_what_takes_a_guarded_step_back_is_held_for_the_quorum(name: str) -> None:
    """The walk goes on to each action's undo: opening again what one person may close takes as many as destroying."""
    cls = ACTIONS[name]
    if not cls.can_undo():
        assert cls.why_no_undo and find(f"{name}.undo") is None
        return
    undo = find(f"{name}.undo")
    assert undo is not None and undo.risk.destructive and undo.risk >= cls.risk and undo.again is not Again.SAFE
    spec = SimpleNamespace(
        index=1, id="undo", uses=undo.name, title="", phase=None, group=None, lane=None, risk=None, on_failure="pause"
    )
    row = row_of("INC-1/2", spec)
    assert Risk(row["risk"]) is undo.risk
    found = next_moves(blank(Run, id="INC-1/2", state="running"), [blank(Step, **row)], {}, NOW)
    assert [do.kind for do in found.do] == ["ask"]


@pytest.mark.parametrize("spent", [state for state in APPROVAL_STATES if state != "granted"])
def test_a_new_attempt_and_the_rest_of_a_stage_need_an_approval_that_counts_now(spent: str) -> None:
    """Whatever was approved before: a retried step, and one of a stage, starts on a granted approval alone."""
    for idx, tries, risk in product((1, 2), (0, 1), HURTS):
        done = blank(Step, run="INC-1/1", idx=1, id="s1", uses="toy.any", risk=risk, state="succeeded", attempt=1,
                     tries=1, on_failure="pause", approval="a1")  # fmt: skip
        step = blank(Step, run="INC-1/1", idx=idx, id=f"s{idx}", uses="toy.any", risk=risk, state="pending", attempt=2,
                     tries=tries, on_failure="pause", approval="a1")  # fmt: skip
        steps = [step] if idx == 1 else [done, step]
        run = blank(Run, id="INC-1/1", state="running")
        for state in ("pending", "held"):
            steps[-1] = dataclasses.replace(step, state=state)
            rows = {"a1": dataclasses.replace(asked_for(1, "granted", 60)["a1"], state=spent)}
            assert too_early(run, steps, rows) == []


def test_an_unknown_action_counts_as_the_worst() -> None:
    spec = SimpleNamespace(
        index=1, id="one", uses="toy.gone", title="", phase=None, group=None, lane=None, risk=None, on_failure="pause"
    )
    assert row_of("INC-1/1", spec)["risk"] == Risk.IRREVERSIBLE


def test_there_is_something_to_prove() -> None:
    assert "aws.rds_failover" in DESTRUCTIVE and "aws.iam_deactivate_key" in CONTAIN
    assert all(ACTIONS[name].again is not Again.SAFE for name in DESTRUCTIVE)
