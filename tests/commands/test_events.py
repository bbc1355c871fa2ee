"""Events in one line each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from commands.events import say
from storage.timeline import Event

AT = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
NAMES = {"P-A": "Ana", "P-B": "Ben"}


def said(type: str, actor: str, body: dict[str, Any], **texts: str) -> str:
    given: dict[str, Any] = dict.fromkeys(Event.__dataclass_fields__)
    known = {"type": type, "actor": actor, "body": body, "texts": texts, "at": AT, "seq": 7}
    return say(Event(**given | known), lambda person: NAMES.get(person, person))


def test_whose_deed_it_was_stands_once() -> None:
    taken = {"role": "commander", "person": "P-B"}
    assert said("incident.role", "P-B", taken) == "*Ben* is commander"
    assert said("incident.role", "slack", taken | {"interim": True}) == "*Ben* is commander (interim)"
    assert said("incident.role", "P-A", taken, note="wait <now>") == "*Ben* is commander: wait &lt;now&gt; · by *Ana*"
    assert said("incident.role", "P-A", {"role": "commander"}) == "*Ana* took the role commander back; nobody has it"
    assert said("incident.acknowledged", "pagerduty", {"person": "P-B"}) == "*Ben* acknowledged the page (pagerduty)"
    assert said("incident.acknowledged", "pagerduty", {}) == "*pagerduty* told that the page was acknowledged"


def test_times_are_peoples_and_what_was_not_said_leaves_nothing_behind() -> None:
    when = {"which": "restored", "when": "2026-11-22T14:11:42.253000Z"}
    assert said("incident.time", "P-A", when) == "*Ana* said: restored at 14:11 UTC"
    moved = {"from": "sev3", "to": "sev1"}
    assert said("incident.severity", "P-A", moved) == "*Ana* changed the severity from sev3 to sev1"
    assert said("incident.severity", "P-A", moved, reason="all") == "*Ana* changed the severity from sev3 to sev1: all"
    after = {"followup": "f1", "owner": "P-B", "due_at": "2026-11-27T15:00:00Z"}
    assert said("followup.added", "muster", after, what="alarm") == (
        "added follow-up f1 of *Ben*, due 27 Nov 15:00 UTC: alarm"
    )
    assert said("incident.level", "P-A", {"to": None}, reason="one rack") == "*Ana* lifted the disaster level: one rack"
    assert said("clock.snoozed", "P-A", {"what": "gdpr", "until": "soon"}).endswith("about gdpr until soon")
