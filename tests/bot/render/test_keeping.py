"""What a board keeps in sight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from bot.render import keeping
from bot.render.board import draw
from bot.render.facts import Around, IncidentFacts
from playbooks.policy import load_policy
from storage.clocks import LegalClock
from storage.followups import FollowUp
from storage.impact import Impact
from storage.incidents import Incident
from storage.runs import Step

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=30)
POLICY = load_policy(Path(__file__).parents[3] / "muster.example.yaml")
AROUND = Around(POLICY, "https://muster.example.com", NOW, {"P-B": "Ben"})


def _incident(**changes: Any) -> Incident:
    empty: dict[str, Any] = dict.fromkeys(Incident.__dataclass_fields__)
    given = {"status": "investigating", "service": "checkout", "declared_at": NOW, "severity": "sev1", "facts": {}}
    return Incident(**{**empty, **given, **changes})


def _facts(**changes: Any) -> IncidentFacts:
    return IncidentFacts(_incident(), (), (), (), (), {}, **changes)


def _clock(hours: float, **changes: Any) -> LegalClock:
    aware = NOW - timedelta(hours=hours)
    return LegalClock("INC-1", "gdpr", aware, aware + timedelta(hours=72), "P-B", aware, **changes)


def test_nothing_said_is_no_line() -> None:
    assert keeping.lines(_facts(), AROUND) == []


def test_clocks_say_in_steps_what_is_left() -> None:
    said = [keeping.lines(_facts(clocks=(_clock(hours),)), AROUND)[0] for hours in (1, 40, 60, 73)]
    assert "aware 13:00, due *23 Nov 13:00 UTC* (more than half left), notify privacy" in said[0]
    assert "(less than half left)" in said[1] and "a fifth left" in said[2] and "overdue" in said[3]
    late = _clock(80, notified_at=NOW, notified_by="P-B")
    assert keeping.lines(_facts(clocks=(late,)), AROUND) == [
        "⚖️ *GDPR breach notification*: notified by *Ben* 14:00 ⚠️ late"
    ]


def test_impact_expectation_services_and_what_follows() -> None:
    impact = Impact(
        users="12 % <!channel>", revenue="4 k", began_at=NOW - timedelta(minutes=20), ended_at=NOW,
        eta=NOW - timedelta(minutes=1), others=("auth",),
    )  # fmt: skip
    after = FollowUp("INC-1", "f1", "alarm", "P-B", "P-B", NOW, NOW + timedelta(days=3))
    lines = keeping.lines(_facts(impact=impact, followups=(after,)), AROUND)
    assert lines == [
        "Impact: 12 % &lt;!channel&gt; · 4 k · 13:40 to 14:00 (20 min)",
        "Expected to be over: *13:59* ⚠️ passed",
        "After it: f1 *Ben* by 23 Nov 14:00 (`/incident followups`)",
    ]
    both = keeping.services(_facts(impact=impact), AROUND)
    assert "Checkout (tier 1, RTO 15 min: *ends 14:15*); Sign-in (tier 1" in both


def test_the_next_layer_stands_beside_the_page() -> None:
    def step(state: str, **changes: Any) -> Step:
        given: dict[str, Any] = {**dict.fromkeys(Step.__dataclass_fields__), "state": state, **changes}
        return cast(Step, Step(**given))

    paged = step("succeeded", done_at=NOW)

    def shown(escalated: Step) -> str:
        doing = {"pagerduty.trigger": paged, "pagerduty.escalate": escalated}
        facts = IncidentFacts(_incident(id="INC-1", title="x", kind="real"), (), (), (), (), doing)
        return str(draw(facts, AROUND).blocks)

    assert "not acknowledged yet · next layer called 14:00" in shown(step("succeeded", done_at=NOW))
    assert "next layer not reached: no such layer *Call" in shown(step("failed", error="no such layer"))
    assert "calling the next layer" in shown(step("pending"))
    doing = {"pagerduty.trigger": paged}
    waits = IncidentFacts(_incident(id="INC-1", title="x", kind="real"), (), (), (), (), doing, escalates_at=SOON)
    assert "not acknowledged yet · next layer is called *14:30*" in str(draw(waits, AROUND).blocks)


def test_the_board_says_in_peoples_words_that_nobody_was_called_and_that_a_draft_waits() -> None:
    given: dict[str, Any] = {**dict.fromkeys(Step.__dataclass_fields__), "state": "skipped"}
    skipped = cast(Step, Step(**given | {"note": "its condition does not hold: severity.page_within != null"}))

    def shown(**changes: Any) -> str:
        one = _incident(id="INC-1", title="x", kind="real", severity="sev3", **changes)
        facts = IncidentFacts(one, (), (), (), (), {"pagerduty.trigger": skipped}, drafted=True)
        return str(draw(facts, AROUND).blocks)

    assert "Page: none, as sev3 calls nobody (`/incident page` does)" in shown() and "condition" not in shown()
    assert "a draft is waiting, not published" in shown(), "also where a severity was lowered to one that wants none"
    assert "Page: sent before" in shown(facts={"paged_blind": "open"})
