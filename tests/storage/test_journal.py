"""The journal's file: on the disk before anything else happens, chained, shared, and readable after a torn line."""

from __future__ import annotations

import json
import os
import stat
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage import journal as journals
from storage.journal import Journal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "journal.jsonl"


def declared(journal: Journal, id: str = "a") -> None:
    journal.write("declared", id, {"ask": {"key": id}})


def test_every_line_is_on_the_disk_and_chained(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    real = os.fsync

    def fsync(number: int) -> None:
        synced.append(file.read_bytes())
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    journal = Journal(file, "one", "boot")
    declared(journal)
    line = journal.write("page.started", "a", {"key": "k"})
    assert [text.count(b"\n") for text in synced] == [1, 1, 2], "each line, and the new file's name"
    assert line.seq == 2 and line.hash == line.digest() and line.replica == "one"
    (one,) = journal.waiting()
    assert one.intact and [said.type for said in one.lines] == ["declared", "page.started"]
    assert one.lines[0].prev == journals.GENESIS and one.lines[1].prev == one.lines[0].hash
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_imported_does_not_wait(file: Path) -> None:
    journal = Journal(file, "one", "boot")
    assert journal.waiting() == []
    declared(journal, "a")
    declared(journal, "b")
    journal.write("imported", "a", {"state": "done"})
    assert [one.id for one in journal.waiting()] == ["b"]
    assert [one.id for one in journal.declares()] == ["a", "b"]


def test_a_torn_line_is_passed_over_and_the_chain_goes_on(file: Path) -> None:
    journal = Journal(file, "one", "boot")
    declared(journal)
    whole = file.read_bytes()
    for cut in (1, 40, len(whole) - 2):
        file.write_bytes(whole + whole[:cut])
        Journal(file, "one", "next").write("page.started", "a", {"key": "k"})
        (one,) = journal.waiting()
        assert one.intact and [said.type for said in one.lines] == ["declared", "page.started"], cut


@pytest.mark.parametrize("how", ["edited", "deleted", "swapped"])
def test_a_bent_file_says_so(file: Path, how: str) -> None:
    journal = Journal(file, "one", "boot")
    declared(journal)
    journal.write("page.started", "a", {"key": "k"})
    journal.write("page.done", "a", {"key": "k"})
    lines = file.read_text().splitlines()
    if how == "edited":
        lines[1] = lines[1].replace('"k"', '"other"')
    elif how == "deleted":
        del lines[1]
    else:
        lines[1], lines[2] = lines[2], lines[1]
    file.write_text("\n".join(lines) + "\n")
    (one,) = journal.waiting()
    assert not one.intact


def test_several_writers_share_one_chain(file: Path) -> None:
    journal = Journal(file, "one", "boot")
    declared(journal)

    def write(name: str) -> None:
        mine = Journal(file, name, name)
        for number in range(20):
            mine.write("page.started", "a", {"key": f"{name}{number}"})

    threads = [threading.Thread(target=write, args=(name,)) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (one,) = journal.waiting()
    assert one.intact and [line.seq for line in one.lines] == list(range(1, 62))


def test_who_may_import_it_and_when(file: Path) -> None:
    """One that this process has in hand is not over; another process's half-made one is, when it has been silent."""
    mine, other = Journal(file, "one", "mine"), Journal(file, "two", "other")
    declared(mine)
    (one,) = mine.waiting()
    now = one.lines[-1].when
    assert not one.over(now, "mine", ["a"]) and one.over(now, "mine")
    assert not one.over(now, "other") and one.over(now + journals.SILENT * 2, "other")
    mine.write("page.started", "a", {"key": "k"})
    mine.write("tell.started", "a", {"key": "k"})
    mine.write("tell.done", "a", {"key": "k"})
    (one,) = other.waiting()
    assert not one.over(now + timedelta(seconds=1), "other"), "nobody knows what became of its page"
    mine.write("page.done", "a", {"key": "k"})
    (one,) = other.waiting()
    assert one.over(now + timedelta(seconds=1), "other")


def test_only_whole_lines_of_ours_count(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("[]\n{}\nnull\n" + json.dumps({"format": 1, "other": 2}) + "\n")
    journal: Any = Journal(file, "one", "boot")
    assert journal.declares() == []
    declared(journal)
    assert journal.waiting()[0].intact
