"""Who is called when: at once, rung by rung, again when somebody is dropped; nobody once it is decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from playbooks.action import Risk
from playbooks.engine.paging import next_call, rung_s
from playbooks.policy import ApprovalRule, parse_policy
from storage import people, runs
from tests.playbooks.engine.booths import Glass
from tests.playbooks.engine.conftest import POLICY

DESTROY = "  - {id: boom, uses: toy.destroy, with: {tag: boom}}\n"
LADDER = POLICY.replace("from: [sre], page_missing: false", "from: [sre, chiefs], next_group: [chiefs]").replace(
    "groups: {", "groups: {chiefs: {people: [ben]}, "
)


@pytest.fixture
async def ladder(stage: Any) -> Glass:
    """Ben, Chi and Dov are called at once, Eve is a chief and is called when nobody answers."""
    stage.policy = parse_policy(LADDER)
    await stage.db.write(lambda tx: people.set_group(tx, "chiefs", {"policy": [stage.persons["eve"]]}))
    return await Glass.held(stage, DESTROY, service="shop")


async def test_at_once_then_the_next_group_then_all(ladder: Glass) -> None:
    (first,) = await ladder.called()
    assert set(first["users"]) == {"UBEN", "UCHI", "UDOV"}
    due = await ladder.timer("approvers")
    assert due is not None and due[1] == {"rung": 1}
    assert due[0] - ladder.asked.opened_at == timedelta(minutes=5), "a third of the 15 min there are, and of the RTO"
    await ladder.votes("ben")
    await ladder.write(lambda tx: next_call(tx, ladder.engine.house, ladder.asked.id, 1))
    assert (await ladder.called())[-1]["users"] == ["UEVE"]
    due = await ladder.timer("approvers")
    assert due is not None and due[1] == {"rung": 2}
    await ladder.write(lambda tx: next_call(tx, ladder.engine.house, ladder.asked.id, 2))
    assert set((await ladder.called())[-1]["users"]) == {"UCHI", "UDOV", "UEVE"}, "who said yes is left alone"
    told = await ladder.events("approval.escalated")
    assert [(event.body["rung"], event.body["group"]) for event in told] == [(1, "chiefs"), (2, None)]
    persons = {ladder.stage.persons[name] for name in ("ben", "chi", "dov", "eve")}
    assert set((await ladder.now()).paged) == persons


@pytest.mark.parametrize("end", ["granted", "denied", "expired"])
async def test_what_is_decided_calls_nobody(ladder: Glass, end: str) -> None:
    await ladder.set(state=end)
    await ladder.write(lambda tx: next_call(tx, ladder.engine.house, ladder.asked.id, 1))
    await ladder.write(lambda tx: next_call(tx, ladder.engine.house, "INC-9/9/9", 1))
    assert len(await ladder.called()) == 1 and await ladder.events("approval.escalated") == []


async def test_nobody_is_called_for_what_is_over(ladder: Glass) -> None:
    await ladder.set(expires_at=ladder.asked.opened_at)
    await ladder.write(lambda tx: next_call(tx, ladder.engine.house, ladder.asked.id, 1))
    assert len(await ladder.called()) == 1


async def test_a_yes_taken_back_calls_again_and_begins_anew(ladder: Glass) -> None:
    await ladder.votes("ben")
    await ladder.votes("chi")
    await ladder.revokes("ben")
    again = (await ladder.called())[-1]
    assert set(again["users"]) == {"UBEN", "UDOV", "UEVE"}
    due = await ladder.timer("approvers")
    assert due is not None and due[1] == {"rung": 1}


async def test_a_recount_that_drops_somebody_calls_again(ladder: Glass) -> None:
    await ladder.votes("ben")
    await ladder.votes("chi")
    chi, dov = ladder.stage.persons["chi"], ladder.stage.persons["dov"]
    await ladder.write(lambda tx: people.set_group(tx, "sre", {"policy": [chi, dov]}))
    await ladder.starts()
    await ladder.stage.until(lambda tx: (a := runs.approval(tx, ladder.asked.id)) and a.state == "open")
    again = (await ladder.called())[-1]
    assert set(again["users"]) == {"UDOV", "UEVE"}
    (event,) = await ladder.events("approval.recounted")
    assert event.body["dropped"] == [ladder.stage.persons["ben"]]


async def test_a_quorum_nobody_can_reach_is_said_at_once(stage: Any) -> None:
    stage.policy = parse_policy(POLICY.replace("page_missing: false", "page_missing: true"))
    await stage.db.write(lambda tx: people.set_group(tx, "sre", {"policy": [stage.persons["ben"]]}))
    glass = await Glass.held(stage, DESTROY)
    assert len(await glass.events("approval.unreachable")) == 1
    due = await glass.timer("approvers")
    assert due is not None and due[1] == {"rung": 0} and due[0] == glass.asked.opened_at
    assert "only Ben could approve now" in (glass.asked.reason or "")
    assert [call["users"] for call in await glass.called()] == [["UBEN"]]


async def test_silence_where_policy_wants_it(stage: Any) -> None:
    glass = await Glass.held(stage, DESTROY)
    assert await glass.called() == [] and await glass.timer("approvers") is None


@pytest.mark.parametrize(("after", "expires", "seconds"), [
    (None, 900, 300), (120, 900, 120), (4000, 900, 300), (300, 600, 200),
])  # fmt: skip
def test_times_follow_the_rto_and_the_time_there_is(after: float | None, expires: float, seconds: float) -> None:
    assert rung_s(ApprovalRule(next_group_after_s=after, expires_s=expires)) == seconds


def test_the_rto_shortens_it() -> None:
    policy = parse_policy(POLICY.replace("rto: 15m", "rto: 3m"))
    assert rung_s(policy.rule_for(Risk.RECOVERABLE, service=policy.services["shop"])) == 60
