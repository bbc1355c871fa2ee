"""`human.wait_until`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.action import Act, Answer, Park
from playbooks.actions.human.wait_until import GO_ON, WaitUntil

STEP = WaitUntil(why="the window opens", length="10m")


def at(began: datetime, later_s: float) -> Act:
    return Act({}, now=began + timedelta(seconds=later_s), key="k", started_at=began)


async def test_it_waits_from_when_the_step_began(now: datetime, world: Any) -> None:
    assert (await STEP.plan(world())).effect == "Wait: the window opens (10 min)"
    park = await STEP.run(at(now, 0))
    assert isinstance(park, Park) and park.wake_in_s == 600 and park.question is not None
    assert park.question.choices == (GO_ON,) and park.question.evidence_required
    early = await STEP.resume(at(now, 599), None)
    assert isinstance(early, Park) and early.wake_in_s == 1 and early.question is not None
    assert early.question.text == park.question.text, "the same question goes on"
    done: Any = await STEP.resume(at(now, 600.2), None)
    assert done.cut_short is False and STEP.say(done) == "waited: the window opens"


async def test_a_person_cuts_it_short_with_a_reason(now: datetime) -> None:
    assert isinstance(await STEP.resume(at(now, 5), Answer("P1", GO_ON, " ")), Park)
    done: Any = await STEP.resume(at(now, 5), Answer("P1", GO_ON, "they opened early"))
    assert (done.cut_short, done.by) == (True, "P1") and STEP.say(done).endswith("cut short: they opened early")


async def test_a_time_of_day_is_the_next_one_and_a_past_moment_is_over() -> None:
    began = datetime.fromisoformat("2026-11-22T14:05:00+00:00")
    park: Any = await WaitUntil(why="w", until="14:00").run(at(began, 0))
    assert park.wake_in_s == 86_400 - 300
    assert (await WaitUntil(why="w", until="2026-11-22T14:00Z").run(at(began, 0))).cut_short is False  # type: ignore[union-attr]
    assert WaitUntil(why="w", until=began).until == began.isoformat()  # type: ignore[arg-type]


@pytest.mark.parametrize("more", [{}, {"until": "14:00", "length": "5m"}, {"until": "soon"}, {"length": "soon"}])
def test_one_of_both_and_readable(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WaitUntil(why="w", **more)
