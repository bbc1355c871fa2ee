"""What of an approval is used up."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

from playbooks.engine.spending import after_non_effect, after_start, covered, ends, spent, waiting
from storage.runs import Approval


def asked(*idx: int, state: str = "granted", **plan: Any) -> Any:
    values = dict.fromkeys((field.name for field in fields(Approval)), None)
    values |= {
        "id": "R/1",
        "idx": idx[0],
        "state": state,
        "plan": plan,
        "covers": {"steps": [{"index": i} for i in idx]},
    }
    return Approval(**values)  # type: ignore[arg-type]


def then(before: Any, values: dict[str, Any]) -> Any:
    return Approval(**{**before.__dict__, **values})


def test_of_one_step_the_state_says_it() -> None:
    one = asked(3)
    assert covered(one) == [3] and not spent(one, 3)
    used = then(one, after_start(one, 3))
    assert used.state == "used"
    kept = then(used, after_non_effect(used, 3) or {})
    assert (kept.state, kept.reason) == ("granted", "kept")
    assert after_non_effect(then(kept, after_start(kept, 3)), 3) is None, "kept once, not twice"


def test_a_stage_stays_granted_until_its_last_step_began_and_covers_each_once() -> None:
    stage = asked(2, 3, 5)
    for idx, state in ((2, "granted"), (3, "granted"), (5, "used")):
        assert not spent(stage, idx)
        stage = then(stage, after_start(stage, idx))
        assert stage.state == state and spent(stage, idx)


def test_each_step_of_a_stage_is_kept_once_after_a_non_effect() -> None:
    stage = asked(2, 3)
    assert after_non_effect(stage, 2) is None, "it has not begun"
    stage = then(stage, after_start(stage, 2))
    stage = then(stage, after_non_effect(stage, 2) or {})
    assert stage.state == "granted" and not spent(stage, 2)
    stage = then(stage, after_start(stage, 2))
    assert spent(stage, 2) and after_non_effect(stage, 2) is None
    stage = then(stage, after_start(stage, 3))
    assert stage.state == "used"
    again = then(stage, after_non_effect(stage, 3) or {})
    assert again.state == "granted" and not spent(again, 3) and spent(again, 2)
    assert after_non_effect(then(stage, {"state": "void"}), 3) is None, "what is void is never good again"


def test_the_next_step_is_the_one_that_has_not_begun() -> None:
    stage = asked(1, 2, 3)
    steps: Any = [
        SimpleNamespace(idx=i, state=s, approval="R/1") for i, s in enumerate(("done", "pending", "pending"), 1)
    ]
    assert waiting(stage, steps).idx == 2
    steps[1].approval = "R/2"
    assert waiting(stage, steps).idx == 3, "of another approval"
    steps[2].state = "started"
    assert waiting(stage, steps).idx == 1


def test_a_stage_ends_with_its_steps_and_with_the_checks_between_them() -> None:
    def step(idx: int, on_failure: str = "pause") -> Any:
        return SimpleNamespace(idx=idx, on_failure=on_failure)

    stage = asked(2, 4)
    assert [ends(stage, step(idx)) for idx in (1, 2, 3, 4, 5)] == [False, True, True, True, False]
    assert ends(stage, step(2, "continue")), "people agreed to both, in this order"
    assert not ends(stage, step(3, "continue")), "the text they agreed to goes on without it"
    assert not ends(asked(2), step(2)), "of one step the state says it"
