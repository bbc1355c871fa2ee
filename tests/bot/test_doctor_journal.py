"""The doctor names what waits in the journal, and a journal that could not be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import doctor_journal
from bot.doctor import examine
from bot.settings import Settings
from storage.journal import Journal


def test_nothing_there_is_fine(tmp_path: Path) -> None:
    assert doctor_journal.look(tmp_path / "var" / "journal.jsonl").state == "ok"


def test_what_waits_is_said_until_it_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, "one", "boot")
    journal.write("declared", "a", {"ask": {}})
    found = doctor_journal.look(path)
    assert found.state == "warning" and "1 blind declare waits for import" in found.text
    journal.write("imported", "a", {"state": "done"})
    assert doctor_journal.look(path).state == "ok"


def test_a_bent_one_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, "one", "boot").write("declared", "a", {"ask": {"key": "a"}})
    path.write_text(path.read_text().replace('"key": "a"', '"key": "b"'))
    assert doctor_journal.look(path).state == "broken"
    path.unlink()
    path.mkdir()
    assert doctor_journal.look(path).state == "broken"


def test_one_that_cannot_be_written_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_journal.os, "access", lambda *_: False)
    assert "cannot be written" in doctor_journal.look(tmp_path / "journal.jsonl").text


async def test_the_doctor_looks(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, "one", "boot").write("declared", "a", {"ask": {}})
    settings = Settings(
        muster_journal=path, database_url=f"sqlite:///{tmp_path / 'x.db'}", muster_config=tmp_path / "no"
    )
    assert [one.state for one in await examine(settings) if one.what == "Journal"] == ["warning"]
