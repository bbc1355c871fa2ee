"""`drill/tabletop`: people prepare, walk through the scenario they chose, and review."""

from __future__ import annotations

from tests.library.entry import Entry

SCENARIO = {"type": "database corruption", "severity": "critical", "affected": "PostgreSQL primary, Redis cache",
            "impact": "complete outage", "detected_by": "an alert"}  # fmt: skip

ENTRY = Entry(incident={"kind": "drill", "service": None}, kind="drill", answers={"scenario": SCENARIO})
