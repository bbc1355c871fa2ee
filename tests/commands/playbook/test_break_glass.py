"""/playbook break-glass"""

from __future__ import annotations

from typing import Any

import pytest

from commands.command import load_commands
from commands.playbook.break_glass import BreakGlass, button
from playbooks.engine.voting import Said
from playbooks.policy import ApprovalRule
from storage.inbox import Ask
from storage.runs import Approval


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def broken(tx: Any, engine: Any, **said: Any) -> Said:
        found.append(said)
        return Said("Glass broken.")

    monkeypatch.setattr("commands.playbook.break_glass.break_glass", broken)
    return found


async def test_a_typed_line_says_all_of_it(talk: Any, heard: list[dict[str, Any]]) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    line = "playbook break-glass INC-1/2 rules=people,Member-Age code=wrong:x checkout is down"
    reply = await talk("Ben", line, key="press-1")
    assert reply.text == "Glass broken."
    said = heard[0]
    assert (said["run"], said["rules_named"], said["reason"]) == (
        "INC-1/2",
        ["people", "member_age"],
        "checkout is down",
    )
    assert (said["proof"], said["ask"], said["actor"].name) == ("wrong:x", "press-1", "Ben")


async def test_a_decision_is_refused_and_on_the_record(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "playbook break-glass D-7 the policy is wrong")
    assert not reply.ok and "never changes who approves, the policy or the record" in reply.text
    (event,) = await talk.events("org", "decision.break_refused")
    assert event.body["decision"] == "D-7" and event.body["person"]


async def test_the_real_engine_answers_too(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Chi", "playbook break-glass INC-1/2 rules=people because")
    assert not reply.ok and "Nothing in INC-1/2 (failover/rds-multi-az) waits for approval." in reply.text
    (event,) = await talk.events("INC-1", "approval.break_refused")
    assert event.body["why"] == "nothing waits" and event.text("reason") == "because"


@pytest.mark.parametrize(("line", "form"), [
    ("playbook break-glass", True), ("playbook break-glass INC-1/2 9f2c44aabb00 rules=people", True),
    ("playbook break-glass INC-1/2 rules=people code=123456 it burns", False),
])  # fmt: skip
def test_without_a_reason_it_asks_for_it(line: str, form: bool) -> None:
    ask = Ask(key="k", kind="command", line=line, account_kind="slack", account="T1/U1", via="slack")
    assert BreakGlass.form(ask) is form


def test_its_button_names_what_is_in_anybodys_way() -> None:
    rule = ApprovalRule(people=2, groups=(("sre", 1), ("security", 1))).model_dump(mode="json")
    asked: Any = type("Asked", (), {"run": "INC-1/2", "digest": "9f2c44aabb00ff", "rule": rule})
    made = button(asked)
    assert made.line == "playbook break-glass INC-1/2 9f2c44aabb00 rules=people,groups" and made.style == "danger"
    assert Approval and load_commands()["playbook break-glass"] is BreakGlass
