"""`muster verify` and `muster export`: exit codes, words, files that are whole or not there, and the entry."""

from __future__ import annotations

import asyncio
import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from bot import record
from playbooks.errors import Refused
from storage import anchors, incidents, timeline
from storage.db import Database, Tx
from storage.timeline import ORG, Entry, append, head


def fill(tx: Tx) -> str:
    """INC-1 with four events; returns its anchor at 3."""
    incidents.open_incident(tx, title="checkout is down", severity="sev1", by="P-1")
    append(tx, "INC-1", Entry("incident.note", "P-1", {}, {"text": "two"}), Entry("incident.note", "P-1"))
    name = anchors.name_of(head(tx, "INC-1"))
    append(tx, "INC-1", Entry("incident.note", "P-1"))
    return name


async def exported(url: str, *given: object) -> int:
    return await asyncio.to_thread(record.exported, url, *given)  # type: ignore[arg-type]


async def verified(what: object, *given: str) -> int:
    return await asyncio.to_thread(record.verified, str(what), given)


@pytest.mark.parametrize("format", ["jsonl", "csv", "md", "zip"])
async def test_every_format_is_written_whole_and_told_on_the_record(
    db: Database, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], format: str
) -> None:
    await db.write(fill)
    file = tmp_path / f"out.{format}"
    assert await exported(url, "inc-1", file, format) == 0
    assert capsys.readouterr().out.startswith(f"4 events of INC-1 in {file}, sha256:")
    (event,) = [e for e in await db.read(lambda tx: timeline.read(tx, ORG)) if e.type == "export.made"]
    assert event.body | {"sha256": ""} == {
        "what": "INC-1", "format": format, "events": 4, "via": "cli", "sha256": ""
    }  # fmt: skip
    assert hashlib.sha256(file.read_bytes()).hexdigest() == event.body["sha256"]
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
    if format == "zip":
        assert "verify.py" in zipfile.ZipFile(file).namelist()


async def test_what_is_not_there_leaves_no_file_and_no_entry(db: Database, url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no timeline of INC-9"):
        await exported(url, "INC-9", tmp_path / "x.jsonl")
    assert not (tmp_path / "x.jsonl").exists()
    assert await db.read(lambda tx: timeline.read(tx, ORG)) == []


async def test_anchors_find_a_cut_tail_in_a_file_and_in_a_database(
    db: Database, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = await db.write(fill)
    file = tmp_path / "INC-1.jsonl"
    await exported(url, "INC-1", file)
    assert await verified(file, name) == 0
    assert "1 anchors agree" in capsys.readouterr().out
    file.write_text("".join(file.read_text("utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    assert await verified(file) == 0
    assert "give --anchor from where anchors stand" in capsys.readouterr().out
    assert await verified(file, name) == 1
    assert "INC-1 ends at event 2, but it was anchored at 3: its tail was cut" in capsys.readouterr().out
    assert await verified(url, name) == 0
    assert await verified(url, name.replace("@3:", "@30:")) == 1
    assert "INC-1 ends at event 4, but it was anchored at 30" in capsys.readouterr().out


async def test_an_incident_that_is_gone_altogether_is_found_by_an_anchor_file(
    db: Database, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await db.write(fill)
    gone = {"stream": "INC-7", "seq": 12, "hash": "ab" * 32, "at": "2026-11-22T05:00:00.000000Z"}
    (tmp_path / "anchors.jsonl").write_text(json.dumps(gone) + "\nhalf a li", encoding="utf-8")
    assert await verified(url, str(tmp_path / "anchors.jsonl")) == 1
    said = capsys.readouterr()
    assert "❌ INC-7 ends at event 0, but it was anchored at 12: all of it is gone" in said.out
    assert "anchors.jsonl line 2 is no anchor" in said.err
    file = tmp_path / "INC-1.jsonl"
    await exported(url, "INC-1", file)
    assert await verified(file, str(tmp_path / "anchors.jsonl")) == 0, "a file holds what was exported"
    assert await verified(file, f"INC-7@12:sha256:{'ab' * 32}") == 1
    assert "INC-7 is not in this file" in capsys.readouterr().out


async def test_anchors_of_the_database_itself_are_said_to_be_weak(
    db: Database, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def keep(tx: Tx) -> None:
        fill(tx)
        anchors.keep(tx, [head(tx, "INC-1")], {"file": "/var/anchors.jsonl"}, "org/1")

    await db.write(keep)
    assert await verified(url) == 0
    assert "1 anchors kept in the database itself agree: a weak check" in capsys.readouterr().out


async def test_an_anchor_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("")
    with pytest.raises(Refused, match="is no anchor"):
        record.verified(str(tmp_path / "x.jsonl"), ["INC-1@x"])


async def test_two_anchors_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("")
    with pytest.raises(Refused, match="one of the places was tampered with"):
        record.verified(str(tmp_path / "x.jsonl"), [f"INC-1@1:sha256:{'a' * 64}", f"INC-1@1:sha256:{'b' * 64}"])
