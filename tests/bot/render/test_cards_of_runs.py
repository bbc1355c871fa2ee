"""Run, approval and question cards in every state: the facts are there, buttons are there only while they work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.render import approval, question, run
from bot.render.approval import ApprovalFacts
from bot.render.blocks import Drawn
from bot.render.facts import Around
from bot.render.question import QuestionFacts
from bot.render.run import RunFacts
from playbooks.engine.approvals import Candidates, Slot, Tally
from playbooks.policy import ApprovalRule, parse_policy
from storage.people import Voter
from storage.runs import Approval, Run, Step, Vote

AT = datetime(2026, 11, 22, 14, 9, 12, tzinfo=UTC)
POLICY = parse_policy("severities: {sev1: {title: outage}}\nservices: {shop: {tier: 1, rto: 15m, rpo: 5m}}\n")
AROUND = Around(POLICY, "https://m.example", AT, {"p1": "Ana", "p2": "Ben", "p3": "Chi"})
RUN = Run(
    id="INC-42/2", stream="INC-42", number=2, incident="INC-42", playbook="failover/rds-multi-az", title="", text="",
    digest="d", inputs={"service": "shop"}, kind="real", service="shop", site="primary", active_site="primary",
    requester="p1", requester_account=None, editors=[], ask=None, shown=True, state="running", reason=None, stop_asked=None, fence=1,
    lease_owner=None, lease_until=None, ready_at=None, created_at=AT, started_at=AT, ended_at=None, revision=1,
)  # fmt: skip
STEP = Step(
    run="INC-42/2", idx=2, id="failover", uses="aws.rds_failover", title="", phase=None, grp=None, lane=None, risk=3,
    on_failure="pause", state="held", attempt=1, tries=0, key=None, params=None, plan=None, outputs=None, question=None,
    answer=None, note=None, error=None, requesters=[], approval="INC-42/2/1", started_by=None, started_at=None,
    done_at=None, ended_at=None, deadline=None, wake_at=None,
)  # fmt: skip
PLAN: dict[str, Any] = {
    "effect": "Reboot orders-db with failover: eu-north-1a -> eu-north-1b", "warnings": ["Connections drop for 60-120 s."],
    "notes": [], "data_loss_s": 0, "data_loss": "0 s (synchronous standby)", "undo": "fail over again", "rpo_s": 300, "of": 4,
}  # fmt: skip
ASKED = Approval(
    id="INC-42/2/1", run="INC-42/2", idx=2, attempt=1, digest="9f2c" + "0" * 58 + "e1", covers={}, rule={}, plan=PLAN,
    barred={"p1": "requester"}, state="open", opened_at=AT, expires_at=AT + timedelta(minutes=15), decided_at=None,
    reason=None, paged=["p2", "p3"],
)  # fmt: skip


def plain(found: Drawn) -> str:
    return "\n".join(block["text"]["text"] for block in found.blocks if block["type"] == "section")


def pressable(found: Drawn) -> dict[str, str]:
    actions = [block for block in found.blocks if block["type"] == "actions"]
    return {one["text"]["text"]: one["value"] for block in actions for one in block["elements"]}


def voter(person: str, name: str) -> Voter:
    known: dict[str, Any] = {"person": person, "name": name, "state": "member", "believed_at": AT, "memberships": ()}
    return Voter(**known)


def facts(asked: Approval = ASKED, votes: tuple[Vote, ...] = (), step: Step = STEP) -> ApprovalFacts:
    counted = tuple(vote.person for vote in votes)
    slots = tuple(Slot(None, person) for person in (*counted, None, None)[:2])
    tally = Tally(counted, (), 2 - len(counted), ("sre",), {}, (), slots)
    able = Candidates((voter("p2", "Ben"), voter("p3", "Chi")), (voter("p2", "Ben"),), True)
    return ApprovalFacts(asked, RUN, step, votes, tally, able, ApprovalRule(from_=("sre",)), None)


def vote(person: str) -> Vote:
    return Vote(ASKED.id, person, "approve", f"slack:T1/{person}", "slack", None, AT, AT)


def test_an_open_approval_says_everything_that_decides() -> None:
    shown = plain(approval.draw(facts(), AROUND))
    for fact in (
        "INC-42 · step 2 of 4 · aws.rds_failover", "asked by *Ana*, 14:09", "eu-north-1a → eu-north-1b",
        "Connections drop for 60-120 s.", "Point of no return", "recoverable: fail over again",
        "0 s (synchronous standby)* of RPO 5 min", "never rehearsed", "site primary", "playbook failover/rds-multi-az",
        "sha256:9f2c…e1", "expires *14:24*", "(0 of 2 from `@sre`)", "On call and eligible: *Ben* (called 14:09)",
        "also eligible: *Chi*",
    ):  # fmt: skip
        assert fact in shown, fact


def test_its_buttons_are_bound_to_the_digest() -> None:
    lines = pressable(approval.draw(facts(), AROUND))
    assert lines["Approve"] == "playbook approve INC-42/2 9f2c00000000"
    assert lines["Deny"] == "playbook deny INC-42/2 9f2c00000000"
    assert lines["See plan"] == "playbook plan incident=INC-42 failover/rds-multi-az service=shop"


def test_votes_are_counted_by_name_and_time() -> None:
    shown = plain(approval.draw(facts(votes=(vote("p2"),)), AROUND))
    assert "Approved by: *Ben* 14:09 (1 of 2 from `@sre`)" in shown and "*Ben* (paged" not in shown


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("used", "started 14:09:12"), ("granted", "approved"), ("denied", "denied 14:09:12"),
        ("expired", "expired 14:09:12"), ("void", "void since 14:09:12"),
    ],
)  # fmt: skip
def test_when_it_is_over_it_says_how_and_has_no_buttons(state: str, words: str) -> None:
    asked = replace(ASKED, state=state, decided_at=AT, reason="what would happen changed" if state == "void" else None)
    found = approval.draw(facts(asked, step=replace(STEP, started_at=AT)), AROUND)
    assert words in plain(found) and pressable(found) == {}


def test_more_data_lost_than_the_objective_is_a_warning() -> None:
    asked = replace(ASKED, plan={**PLAN, "data_loss_s": 900, "data_loss": ""})
    assert "15 min* of RPO 5 min ⚠️ *more than the RPO*" in plain(approval.draw(facts(asked), AROUND))


def test_the_irreversible_says_so() -> None:
    assert "it cannot be undone" in plain(approval.draw(facts(step=replace(STEP, risk=4)), AROUND))


def steps(state: str, **more: Any) -> tuple[Step, ...]:
    first = replace(STEP, idx=1, id="before", uses="aws.rds_describe", state="succeeded", risk=0, started_at=AT,
                    done_at=AT + timedelta(seconds=0.4), ended_at=AT + timedelta(seconds=0.4), note="writer in a")  # fmt: skip
    return (
        first,
        replace(STEP, state=state, started_at=AT, **more),
        replace(STEP, idx=3, id="h", uses="http.probe", state="pending", risk=0),
    )


def drawn_run(state: str, step: str, **more: Any) -> Drawn:
    return run.draw(RunFacts(replace(RUN, state=state, ended_at=AT), steps(step, **more), None), AROUND)


@pytest.mark.parametrize(
    ("state", "step", "more", "words", "buttons"),
    [
        ("running", "started", {"note": "rebooting, writer still a"}, "⏳ *2 aws.rds_failover* rebooting", {"Pause", "Abort"}),
        ("waiting", "held", {}, "🔐 *2 aws.rds_failover* waits for approval", {"Pause", "Abort"}),
        ("paused", "failed", {"error": "AWS said no"}, "❌ 2 aws.rds_failover AWS said no", {"Retry", "Skip", "Abort"}),
        ("paused", "succeeded", {}, "not done: 3", {"Resume", "Abort"}),
        ("waiting", "asking", {}, "❓ *2 aws.rds_failover* *outcome unknown", {"Pause", "Abort"}),
        ("incomplete", "uncertain", {"error": "lost"}, "❓ 2 aws.rds_failover *outcome unknown:* lost", {"Retry"}),
        ("succeeded", "succeeded", {}, "*finished* for INC-42", set()),
        ("aborted", "aborted", {}, "Done: 1 · not done: 2, 3", set()),
        ("running", "skipped", {"note": "Statuspage is not configured"}, "⏭ 2 aws.rds_failover", {"Pause", "Abort"}),
    ],
)  # fmt: skip
def test_a_run_in_every_state(state: str, step: str, more: dict[str, Any], words: str, buttons: set[str]) -> None:
    found = drawn_run(state, step, **more)
    assert words in plain(found), plain(found)
    assert "✅ 1 aws.rds_describe (0.4 s) writer in a" in plain(found)
    assert set(pressable(found)) == buttons


def test_what_cannot_be_taken_back_is_said_when_it_stands_still() -> None:
    shown = plain(drawn_run("paused", "failed", error="no", done_at=AT))
    assert "Done: 1" in shown and "not done: 2, 3" in shown and "cannot be taken back: 2" in shown


LOST = {
    "text": "Step 2: outcome unknown",
    "choices": ["happened", "did-not", "abort"],
    "who": "",
    "shown": "Looked: nothing",
}


def test_a_stage_shows_every_step_with_its_effect_in_order() -> None:
    steps = [
        {"idx": 2, "uses": "aws.rds_failover", "risk": 3, "effect": "a -> b", "later": False},
        {"idx": 3, "uses": "aws.rds_failover", "risk": 4, "effect": "b <!here>", "later": True},
    ]
    plan = {**PLAN, "stage": "cutover", "steps": steps, "started": [], "kept": []}
    found = plain(approval.draw(facts(asked=replace(ASKED, plan=plan)), AROUND))
    assert "INC-42 · steps 2 and 3 of 4 · stage cutover" in found and "it cannot be undone" in found
    assert found.index("• 2 aws.rds_failover: *a → b.*") < found.index("• 3 aws.rds_failover: *b &lt;!here&gt;.*")
    assert found.count("else it asks again") == 1
    begun = plain(approval.draw(facts(asked=replace(ASKED, state="granted", plan={**plan, "started": [2]})), AROUND))
    assert "✅ 2 aws.rds_failover" in begun and "• 3" in begun and "under way" in begun


@pytest.mark.parametrize("state", ["denied", "expired"])
def test_a_stage_that_ends_in_its_middle_says_what_began(state: str) -> None:
    covers = {"steps": [{"index": 2}, {"index": 3}]}
    for started, words in (([], "Nothing was changed"), ([2], "Step 2 of the stage began; the rest was not done")):
        plan = {**PLAN, "stage": "cutover", "steps": [], "started": started, "kept": []}
        asked = replace(ASKED, state=state, decided_at=AT, covers=covers, plan=plan)
        assert words in plain(approval.draw(facts(asked), AROUND))


def test_an_unknown_outcome_asks_a_person_and_repeats_nothing() -> None:
    step = replace(STEP, state="asking", question=LOST, started_at=AT, started_by="web-2")
    found = question.draw(QuestionFacts(RUN, step), AROUND)
    assert "outcome unknown" in plain(found) and "`web-2`" in plain(found) and "Looked: nothing" in plain(found)
    assert pressable(found) == {
        "It happened": "playbook answer INC-42/2 step=2 choice=happened",
        "It did not: ask again": "playbook answer INC-42/2 step=2 choice=did-not",
        "Abort": "playbook answer INC-42/2 step=2 choice=abort",
    }


def test_an_answered_question_says_who_and_has_no_buttons() -> None:
    answer = {"person": "p2", "choice": "happened", "text": "I see it <!channel>"}
    found = question.draw(QuestionFacts(RUN, replace(STEP, state="done", answer=answer)), AROUND)
    assert "*It happened*, says *Ben*: I see it &lt;!channel&gt;" in plain(found) and pressable(found) == {}


def test_a_question_with_a_deadline_says_that_silence_is_no_yes() -> None:
    asked = {"text": "Is the shop empty?", "choices": ["yes", "no"], "who": "commander", "evidence_required": True}
    step = replace(STEP, state="parked", question=asked, deadline=AT + timedelta(minutes=5))
    found = question.draw(QuestionFacts(RUN, step), AROUND)
    assert "answer by *14:14*" in plain(found) and "silence is never a yes" in plain(found)
    assert [e["action_id"] for b in found.blocks if b["type"] == "actions" for e in b["elements"]] == [
        "ask.text.0",
        "ask.text.1",
    ]
