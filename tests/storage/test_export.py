"""Formats of a timeline: what each shows, that none can hurt who opens it, and that long ones need no more memory."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import update

from commands.events import say
from storage import export, incidents, people, verify
from storage.db import Database, Tx
from storage.tables import texts
from storage.timeline import ORG, Entry, append, read
from tests.storage.big import grow

NASTY = '=HYPERLINK("http://x","y")\n![a](http://evil/x.png) <img src=x> `code` [b](javascript:1) | * end'


def said(work: Callable[[Tx, io.StringIO], Any]) -> Callable[[Tx], str]:
    def make(tx: Tx) -> str:
        file = io.StringIO(newline="")
        work(tx, file)
        return file.getvalue()

    return make


async def filled(db: Database) -> str:
    def work(tx: Tx) -> str:
        known = people.believe(tx, "slack", "T1/UANA", state=people.MEMBER, name="=Ana")
        assert known.person
        incidents.open_incident(tx, title="checkout | is <down>", severity="sev1", by=known.person)
        append(tx, "INC-1", Entry("incident.note", known.person, {}, {"text": NASTY}))
        append(tx, "INC-1", Entry("incident.note", known.person, {"n": 3}, {"text": "to be erased"}))
        gone = (texts.c.stream == "INC-1", texts.c.seq == 3)
        tx.conn.execute(update(texts).where(*gone).values(text=None, salt=None, erased_at=tx.now))
        return known.person

    return await db.write(work)


async def test_csv_has_a_row_per_event_and_no_cell_is_a_formula(db: Database) -> None:
    person = await filled(db)
    made = await db.read(said(lambda tx, file: export.stream_to(tx, "INC-1", [export.Csv(file, export.Names(tx))])))
    rows = list(csv.DictReader(io.StringIO(made, newline="")))
    assert [row["seq"] for row in rows] == ["1", "2", "3"] and tuple(rows[0]) == export.COLUMNS
    assert rows[0]["name"] == "'=Ana" and rows[0]["actor"] == person
    assert json.loads(rows[1]["texts"]) == {"text": NASTY}
    assert json.loads(rows[2]["texts"]) == {"text": "(erased)"} and json.loads(rows[2]["body"]) == {"n": 3}
    assert not [value for row in rows for value in row.values() if value[:1] in "=+-@\t\r\n" and value]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\n=1", "\x00=1", "|calc", "%0A"]
)
def test_what_a_spreadsheet_would_run_is_marked_as_text(text: str) -> None:
    assert export.cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["INC-1", "checkout is down", "2026-11-22T05:00:00Z", "", "a=b", 41, "{}"])
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert export.cell(value) == str(value)


async def test_markdown_reads_as_a_story_and_cannot_load_or_link_anything(db: Database) -> None:
    await filled(db)
    made = await db.read(
        said(
            lambda tx, file: export.stream_to(tx, "INC-1", [export.Markdown(tx, "INC-1", file, say, export.Names(tx))])
        )
    )
    assert made.startswith("# Timeline of INC-1\n\nsev1 · investigating · checkout \\| is &lt;down&gt;\n")
    line = next(line for line in made.splitlines() if line.startswith("- 2 · "))
    assert "noted: =HYPERLINK" in line and line.endswith("end")
    assert "<" not in line and "\\!\\[a\\](http" in line and "\\`code\\`" in line
    assert "(erased)" in next(line for line in made.splitlines() if line.startswith("- 3 · "))
    assert made.rstrip().endswith("Later events may follow.")


async def test_an_export_is_itself_on_the_record(db: Database) -> None:
    await db.write(lambda tx: export.made(tx, what="INC-1", format="csv", sha256="ab", events=3, account="root"))
    (event,) = await db.read(lambda tx: read(tx, ORG))
    assert (event.type, event.actor, event.text("account")) == ("export.made", "muster", "root")
    assert event.body == {"what": "INC-1", "format": "csv", "sha256": "ab", "events": 3, "via": "cli"}


# --- long ones --------------------------------------------------------------------------------------------------------


class Nowhere(io.TextIOBase):
    """A file that keeps nothing, so that only what we keep ourselves is measured."""

    def write(self, text: str) -> int:
        return len(text)


async def peak(db: Database, work: Callable[[Tx], Any]) -> int:
    """The most memory (bytes) the work needed at once."""
    tracemalloc.start()
    try:
        await db.read(work)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_a_long_timeline_needs_no_more_memory_than_a_short_one(db: Database, tmp_path: Path) -> None:
    short, long = 1500, 6000
    await db.write(lambda tx: (grow(tx, "INC-1", short), grow(tx, "INC-2", long)))

    def exporting(stream: str) -> Callable[[Tx], Any]:
        def work(tx: Tx) -> int:
            file = cast(Any, Nowhere())
            names = export.Names(tx)
            sinks: list[export.Sink] = [
                export.Jsonl(file), export.Csv(file, names), export.Markdown(tx, stream, file, say, names)
            ]  # fmt: skip
            return export.stream_to(tx, stream, sinks)

        return work

    await peak(db, exporting("INC-1"))  # whatever is loaded once
    small, big = await peak(db, exporting("INC-1")), await peak(db, exporting("INC-2"))
    assert big < small * 1.5 + 1_000_000, (small, big)
    with (tmp_path / "long.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        await db.read(lambda tx: export.write_jsonl(tx, "INC-2", file))
    whole = (tmp_path / "long.jsonl").stat().st_size
    tracemalloc.start()
    (verdict,) = verify.check_file(tmp_path / "long.jsonl")
    checking = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert verdict.ok and verdict.events == long
    assert checking < whole / 10, (checking, whole)


async def test_progress_is_told_on_the_way(db: Database, tmp_path: Path) -> None:
    await db.write(lambda tx: grow(tx, "INC-1", 1700))
    told: list[int] = []
    await db.read(lambda tx: verify.check_database(tx, {}, told.append))
    assert told == [verify.TELL_EVERY] * 3
    told.clear()
    with (tmp_path / "x.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        sinks: list[export.Sink] = [export.Jsonl(file)]
        await db.read(lambda tx: export.stream_to(tx, "INC-1", sinks, told.append))
    assert told == [export.TELL_EVERY] * 3
    told.clear()
    verify.check_file(tmp_path / "x.jsonl", {}, told.append)
    assert len(told) == 3 and sum(told) < (tmp_path / "x.jsonl").stat().st_size
