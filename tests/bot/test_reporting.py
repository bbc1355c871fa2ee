"""Reports: every incident without a gap, who has access, what was changed; each report is itself an event."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from bot import reporting
from playbooks.errors import Refused
from storage import credentials, incidents, people, timeline
from storage.db import Database, Tx
from storage.tables import incidents as rows
from storage.timeline import Entry

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2026-11-01", "2026-11-30", ("2026-11-01", "2026-12-01")),
        (None, None, ("1970-01-01", "2026-11-23T12:00")),
        ("2026-11-22", "2026-11-22", ("2026-11-22", "2026-11-23")),
    ],
)
def test_both_days_of_a_period_count(start: str | None, end: str | None, found: tuple[str, str]) -> None:
    wanted = tuple(datetime.fromisoformat(one).replace(tzinfo=UTC) for one in found)
    assert reporting.period(start, end, NOW) == wanted


@pytest.mark.parametrize(("start", "end"), [("soon", None), ("2026-11-22", "2026-11-20")])
def test_a_wrong_period_is_said(start: str, end: str | None) -> None:
    with pytest.raises(Refused):
        reporting.period(start, end, NOW)


async def _population(db: Database, days: int = 2) -> list[dict[str, Any]]:
    def work(tx: Tx) -> str:
        return reporting.made(tx, "population", tx.now - timedelta(days=days), tx.now + timedelta(days=1), "jsonl")[0]

    return [json.loads(line) for line in (await db.read(work)).splitlines()]


async def test_cancelled_drilled_private_and_missing_ones_are_counted(db: Database) -> None:
    def work(tx: Tx) -> None:
        for kind, private in (("real", False), ("drill", False), ("real", True), ("real", False), ("real", False)):
            incidents.open_incident(tx, title="=cmd()", severity="sev1", by="P-A", kind=kind, private=private)
        incidents.cancel(tx, "INC-1", by="P-A", reason="none")
        long_ago = tx.now - timedelta(days=30)
        tx.conn.execute(update(rows).where(rows.c.id == "INC-5").values(declared_at=long_ago))
        if tx.sqlite:
            tx.conn.execute(text("PRAGMA foreign_keys=OFF"))
        tx.conn.execute(delete(rows).where(rows.c.id == "INC-4"))

    await db.write(work)
    found = await _population(db)
    assert [(one["number"], one["status"], one["kind"]) for one in found] == [
        (1, "cancelled", "real"), (2, "investigating", "drill"), (3, "investigating", "real"),
    ]  # fmt: skip
    assert found[2]["private"] is True and found[2]["title"] is None
    everything = await _population(db, days=60)
    assert [(one["number"], one["status"]) for one in everything][3:] == [(4, "MISSING"), (5, "investigating")]
    assert len(everything[3]["first"]) == 64, "the org stream remembers what was deleted"


async def test_no_cell_is_a_formula(db: Database) -> None:
    await db.write(lambda tx: incidents.open_incident(tx, title="=cmd()", severity="sev1", by="P-A"))

    def work(tx: Tx) -> str:
        return reporting.made(tx, "population", tx.now - timedelta(days=1), tx.now + timedelta(days=1), "csv")[0]

    (line,) = csv.DictReader(io.StringIO(await db.read(work)))
    assert line["title"] == "'=cmd()" and line["number"] == "1" and line["private"] == "no"


async def test_access_says_who_since_when_and_by_what(db: Database) -> None:
    def work(tx: Tx) -> list[dict[str, Any]]:
        ana = people.believe(tx, "slack", "T1/UANA", state=people.MEMBER, name="Ana").person
        assert ana
        people.set_group(tx, "sre", {"slack": {ana}})
        assert credentials.allow(tx, ana, "AAAA-AAAA")
        report = reporting.made(tx, "access-review", tx.now - timedelta(days=1), tx.now + timedelta(days=1), "jsonl")
        return [json.loads(line) for line in report[0].splitlines()]

    found = await db.write(work)
    assert [(one["what"], one["name"], one["detail"]) for one in found] == [
        ("group", "Ana", "slack"), ("terminal", "Ana", "person"),
    ]  # fmt: skip
    assert found[0]["subject"] == "sre" and found[0]["state"] == "confirmed" and found[1]["state"] == "good"


async def test_changes_are_events_as_their_streams_hold_them(db: Database) -> None:
    def work(tx: Tx) -> list[dict[str, Any]]:
        incidents.open_incident(tx, title="x", severity="sev1", by="P-A")
        timeline.append(tx, "INC-1", Entry("hold.placed", "P-A", {"decision": "D-1"}, {"reason": "case 7"}))
        timeline.append(tx, "org", Entry("policy.proposed", "muster", {"digest": "d"}))
        report = reporting.made(tx, "changes", tx.now - timedelta(days=1), tx.now + timedelta(days=1), "jsonl")[0]
        assert reporting.made(tx, "changes", tx.now + timedelta(days=1), tx.now + timedelta(days=2), "csv")[1] == 0
        return [json.loads(line) for line in report.splitlines()]

    found = await db.write(work)
    assert {(one["type"], one["stream"], one["reason"]) for one in found} == {
        ("hold.placed", "INC-1", "case 7"), ("policy.proposed", "org", None),
    }  # fmt: skip


@pytest.mark.parametrize("what", ["population", "access-review", "changes"])
def test_a_report_is_a_file_and_an_event(url: str, what: str, tmp_path: Path, capsys: Any) -> None:
    import asyncio
    import hashlib

    file = tmp_path / "report.csv"
    assert reporting.reported(url, what, "2020-01-01", None, file, "csv") == 0
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert digest in capsys.readouterr().out

    async def told() -> Any:
        db = Database(url)
        try:
            return (await db.read(lambda tx: timeline.read(tx, "org", types=("export.made",))))[-1]
        finally:
            await db.close()

    event = asyncio.run(told())
    assert event.body["what"] == what and event.body["sha256"] == digest


def test_a_report_is_no_zip(url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="csv or jsonl"):
        reporting.reported(url, "population", None, None, tmp_path / "x", "zip")
