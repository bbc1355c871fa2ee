"""The card of a decision: what is asked word for word, who may, what became of it; buttons only while they work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.render import decision
from bot.render.decision import DecisionFacts
from bot.render.facts import Around
from playbooks.engine.approvals import Candidates, Slot, Tally
from playbooks.engine.decision_rule import DecisionRule, Standing
from playbooks.policy import parse_policy
from storage.decisions import Decision
from storage.people import Voter

AT = datetime(2026, 11, 22, 14, 9, 12, tzinfo=UTC)
AROUND = Around(
    parse_policy("severities: {sev1: {title: outage}}\n"), "https://m.example", AT, {"p1": "Ana", "p2": "Ben"}
)
ASKED = Decision(
    id="D-7", kind="policy", subject="aa", body={"title": "Change <!channel>", "shown": "• approvals.people: 2 → 1"},
    digest="9f2c" + "0" * 58 + "e1", rule={}, stream="org", asked_by=None, state="open", opened_at=AT,
    expires_at=AT + timedelta(hours=2), decided_at=None, reason=None,
)  # fmt: skip
TALLY = Tally(("p1",), (), 1, ("sre",), {}, (), (Slot(None, "p1"), Slot(None)))
BEN = Voter("p2", "Ben", "member", AT)
FACTS = DecisionFacts(
    ASKED, DecisionRule(2, (("sre", 1),), ("sre",), admin=True), Standing(TALLY, ("p1",), True),
    Candidates((BEN,), (), False, "Nobody is there."),
)  # fmt: skip


def plain(facts: DecisionFacts) -> str:
    return "\n".join(b["text"]["text"] for b in decision.draw(facts, AROUND).blocks if b["type"] == "section")


def pressable(facts: DecisionFacts) -> dict[str, Any]:
    rows = [block for block in decision.draw(facts, AROUND).blocks if block["type"] == "actions"]
    return {one["text"]["text"]: one for row in rows for one in row["elements"]}


def test_an_open_one_says_all_of_it() -> None:
    text = plain(FACTS)
    assert "*D-7 · Change &lt;!channel&gt;* — asked by *Muster*, 14:09" in text
    assert "• approvals.people: 2 → 1" in text and "`sha256:9f2c…e1` · open until *16:09* UTC" in text
    assert "Agreed: *Ana* (1 of 2 from 1 of `@sre`, `@sre`, one of them an administrator)" in text
    assert "Can still: *Ben*" in text and "⚠️ Nobody is there." in text
    shown = pressable(FACTS)
    assert shown["Confirm"]["value"] == "playbook confirm D-7 digest=9f2c00000000"
    assert shown["Reject"]["value"] == "playbook reject D-7 digest=9f2c00000000"


def test_a_rule_with_codes_asks_for_one_first() -> None:
    coded = replace(FACTS, rule=replace(FACTS.rule, mfa=True))
    assert pressable(coded)["Confirm"]["action_id"] != pressable(FACTS)["Confirm"]["action_id"]
    assert "code" in pressable(coded)["Confirm"]["action_id"]


@pytest.mark.parametrize(
    ("state", "words"),
    [("done", "✅ *done 14:10:00* UTC"), ("denied", "⛔ *rejected 14:10:00* UTC: why not"),
     ("expired", "⌛ *expired 14:10:00* UTC: why not"), ("void", "⚪ *void since 14:10:00* UTC: why not")],
)  # fmt: skip
def test_an_ended_one_says_how_and_has_no_buttons(state: str, words: str) -> None:
    ended = replace(ASKED, state=state, reason="why not", decided_at=AT.replace(minute=10, second=0))
    facts = replace(FACTS, asked=ended)
    assert words in plain(facts) and pressable(facts) == {}
    assert "Can still" not in plain(facts)
