"""Which error leads to which state: sorted by what is known about the effect."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from playbooks.action import Action, Again, Outputs, Park, Question, Risk, Seen, World, action
from playbooks.engine import outcomes
from playbooks.engine.moves import STEP_MOVES, IllegalMove
from playbooks.engine.outcomes import TRIES, Context
from playbooks.errors import MusterError, NotConfigured, NotYet, Refused, Temporary, Uncertain
from storage.runs import Step

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


class Out(Outputs):
    """One text and more."""

    name: str
    many: list[str] = []


@action("toy.out_safe", risk=Risk.READ, again=Again.SAFE, result=Out)
class SafeOut(Action):
    """A look."""


@action("toy.out_keyed", risk=Risk.WRITE, again=Again.KEYED, result=Out, facts={"channel": "name"})
class KeyedOut(Action):
    """A keyed write."""

    why_no_undo = "Only a test."


@action("toy.out_never", risk=Risk.RECOVERABLE, again=Again.NEVER, result=Out)
class NeverOut(Action):
    """Once."""

    why_no_undo = "Only a test."

    async def verify(self, world: World, done: Any) -> Seen:
        raise AssertionError("not called here")


ACTIONS = {Again.SAFE: SafeOut, Again.KEYED: KeyedOut, Again.NEVER: NeverOut}


def step(state: str = "started", **values: Any) -> Step:
    base = dict.fromkeys((f.name for f in fields(Step)), None)
    base |= {"run": "INC-1/1", "idx": 1, "id": "one", "uses": "toy.out", "risk": 1, "tries": 0, "attempt": 1}
    return Step(**{**base, "on_failure": "pause", "state": state, **values})


def ctx(again: Again = Again.NEVER, now: datetime = NOW, **values: Any) -> Context:
    return Context(ACTIONS[again](), step(**values), now, TRIES[again])


def state_of(changes: Any) -> str:
    return str(changes.steps[1].get("state", "(same)"))


def kinds(changes: Any) -> list[str]:
    return [event.type for event in changes.events]


@pytest.mark.parametrize(
    ("error", "safe", "keyed", "never"),
    [
        (Temporary("busy"), "pending", "pending", "pending"),
        (Refused("no"), "failed", "failed", "failed"),
        (NotConfigured("none"), "failed", "failed", "failed"),
        (MusterError("hm"), "failed", "failed", "failed"),
        (Uncertain("dead line"), "pending", "pending", "unknown"),
        (TimeoutError(), "pending", "pending", "unknown"),
        (RuntimeError("bug"), "pending", "pending", "unknown"),
        (KeyError("bug"), "pending", "pending", "unknown"),
        (NotYet("wait"), "(same)", "(same)", "(same)"),
    ],
)
def test_each_error_to_its_state(error: Exception, safe: str, keyed: str, never: str) -> None:
    wanted = {Again.SAFE: safe, Again.KEYED: keyed, Again.NEVER: never}
    for again, state in wanted.items():
        changes = outcomes.raised(ctx(again), error)
        assert state_of(changes) == state, again
        if state != "(same)":
            assert ("started", state) in STEP_MOVES
            assert len(changes.events) == 1, "a changed state is told"


def test_what_is_not_configured_is_skipped_where_the_playbook_goes_on() -> None:
    changes = outcomes.raised(ctx(on_failure="continue"), NotConfigured("PagerDuty is not configured here."))
    assert state_of(changes) == "skipped"
    assert changes.steps[1]["note"] == "PagerDuty is not configured here."
    assert state_of(outcomes.raised(ctx(on_failure="continue"), Refused("no"))) == "failed"


@pytest.mark.parametrize("again", list(Again))
def test_temporary_is_tried_so_often_and_then_fails(again: Again) -> None:
    tries, waits = 0, []
    while True:
        changes = outcomes.raised(ctx(again, tries=tries), Temporary("busy"))
        if state_of(changes) == "failed":
            break
        tries = changes.steps[1]["tries"]
        waits.append((changes.steps[1]["wake_at"] - NOW).total_seconds())
        assert kinds(changes) == ["step.retrying"]
    assert tries + 1 == TRIES[again]
    assert waits == [2.0**n for n in range(tries)]
    assert f"Tried {TRIES[again]} times" in changes.steps[1]["error"]


def test_the_services_own_wait_is_kept_and_ours_is_capped() -> None:
    asked = outcomes.raised(ctx(Again.KEYED), Temporary("429", retry_after=77.0))
    assert asked.steps[1]["wake_at"] == NOW + timedelta(seconds=77)
    many = replace(ctx(Again.KEYED, tries=20), tries=99)
    assert outcomes.raised(many, Temporary("busy")).steps[1]["wake_at"] == NOW + timedelta(seconds=outcomes.SLOWEST_S)


def test_unknown_waits_for_nothing_and_starts_its_looks_at_zero() -> None:
    values = outcomes.raised(ctx(tries=1), Uncertain("dead line")).steps[1]
    assert (values["wake_at"], values["tries"], values["error"]) == (None, 0, "dead line")


def test_not_yet_looks_again_until_its_deadline() -> None:
    first = outcomes.raised(ctx(Again.SAFE), NotYet("starting", again_in=5)).steps[1]
    assert first["wake_at"] == NOW + timedelta(seconds=5)
    deadline = first["deadline"]
    near = ctx(Again.SAFE, now=deadline - timedelta(seconds=1), deadline=deadline)
    assert outcomes.raised(near, NotYet("starting", again_in=5)).steps[1]["wake_at"] == deadline, "not past it"
    over = outcomes.raised(ctx(Again.SAFE, now=deadline, deadline=deadline), NotYet("starting"))
    assert state_of(over) == "failed"
    assert "Last seen: starting" in over.steps[1]["error"]


def test_returned_without_verify_succeeds_with_facts() -> None:
    changes = outcomes.returned(ctx(Again.KEYED), Out(name="C1"))
    assert state_of(changes) == "succeeded"
    assert kinds(changes) == ["step.done", "step.succeeded"]
    assert changes.facts == {"channel": "C1"}


def test_returned_with_verify_is_done_and_has_a_deadline() -> None:
    changes = outcomes.returned(ctx(plan={"within_s": 7}), Out(name="x"))
    assert (state_of(changes), kinds(changes)) == ("done", ["step.done"])
    assert changes.steps[1]["deadline"] == NOW + timedelta(seconds=7)


def test_outputs_are_capped_all_the_way_down() -> None:
    long = "x" * (outcomes.CAP + 1)
    capped = outcomes.capped(Out(name=long, many=["short", long]))
    assert len(capped["name"]) == len(capped["many"][1]) == outcomes.CAP
    assert capped["many"][0] == "short"


def test_parks_for_a_person_or_a_time() -> None:
    asked = outcomes.returned(ctx(), Park(question=Question("Well?", due_in_s=60))).steps[1]
    assert (asked["state"], asked["wake_at"], asked["deadline"]) == ("parked", None, NOW + timedelta(seconds=60))
    assert asked["question"]["text"] == "Well?"
    timed = outcomes.returned(ctx(), Park(wake_in_s=9)).steps[1]
    assert (timed["state"], timed["question"], timed["wake_at"]) == ("parked", None, NOW + timedelta(seconds=9))


@pytest.mark.parametrize(("ok", "late", "state"), [
    (True, False, "succeeded"), (True, True, "succeeded"), (False, False, "failed"),
    (None, False, "(same)"), (None, True, "failed"),
])  # fmt: skip
def test_one_look_of_verify(ok: bool | None, late: bool, state: str) -> None:
    deadline = NOW if late else NOW + timedelta(seconds=1)
    changes = outcomes.looked(ctx(state="done", deadline=deadline), Seen(ok, "standby", again_in=30))
    assert state_of(changes) == state
    if state == "(same)":
        assert changes.steps[1]["wake_at"] == deadline, "the last look is at the deadline"
        assert changes.events == []


def test_looks_follow_soon_after_the_effect_and_then_at_a_steady_pace() -> None:
    def next_look(gone: float, **seen: float) -> float:
        after = ctx(state="done", done_at=NOW - timedelta(seconds=gone), deadline=NOW + timedelta(seconds=600))
        wake = outcomes.looked(after, Seen(None, "standby", **seen)).steps[1]["wake_at"]
        return float((wake - NOW).total_seconds())

    assert [next_look(gone) for gone in (0, 0.2, 1, 3, 100)] == [0.2, 0.2, 0.5, 1.5, 2.0]
    assert [next_look(gone, again_in=30) for gone in (0, 100)] == [30, 30], "an action that knows better says so"
    assert next_look(-5) == 0.2, "a clock that went back"


@pytest.mark.parametrize("error", [Temporary("429", retry_after=3), RuntimeError("x"), Refused("no"), TimeoutError()])
def test_a_look_that_fails_says_nothing_about_the_effect(error: Exception) -> None:
    changes = outcomes.look_failed(ctx(state="done", deadline=NOW + timedelta(seconds=60)), error)
    assert state_of(changes) == "(same)"
    assert changes.steps[1]["wake_at"] > NOW


def test_what_cannot_be_looked_at_is_taken_as_done_and_says_so() -> None:
    changes = outcomes.look_failed(ctx(state="done", note="rebooted"), NotConfigured("No reader here."))
    assert state_of(changes) == "succeeded"
    assert "not verified" in changes.steps[1]["note"]


def test_only_what_may_fail_fails() -> None:
    with pytest.raises(IllegalMove):
        outcomes.failed(ctx(state="succeeded"), "no")
