"""Appending lines: none twice, none half, and refusals that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playbooks.connectors.files import FileReads, Files
from playbooks.errors import Refused


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Files]:
    one = Files([str(tmp_path / "a"), str(tmp_path), "/proc/nowhere/a"])
    yield one
    await one.close()


async def test_many_writers_leave_every_line_once(tmp_path: Path, files: Files) -> None:
    path = str(tmp_path / "a")
    new = await asyncio.gather(*(files.append_once(path, [f"line {n}", "shared"]) for n in range(8)))
    assert sum(new) == 9 and await files.append_once(path, ["shared"]) == 0
    lines = (tmp_path / "a").read_text().splitlines()
    assert sorted(lines) == sorted([*(f"line {n}" for n in range(8)), "shared"])


async def test_a_line_that_a_crash_left_half_spoils_no_other(tmp_path: Path, files: Files) -> None:
    (tmp_path / "a").write_text('one\n{"str')
    await files.append_once(str(tmp_path / "a"), ["two"])
    assert (tmp_path / "a").read_text() == 'one\n{"str\ntwo\n'


async def test_what_cannot_be_written_is_refused_with_words(tmp_path: Path, files: Files) -> None:
    reads = FileReads([str(tmp_path), str(tmp_path / "a"), "/proc/nowhere/a"])
    await reads.appendable(str(tmp_path / "a"))
    with pytest.raises(Refused, match="is a folder"):
        await reads.appendable(str(tmp_path))
    with pytest.raises(Refused, match="cannot be written"):
        await files.append_once(str(tmp_path), ["x"])
    with pytest.raises(Refused, match="cannot be written"):
        await files.append_once("/proc/nowhere/a", ["x"])
    with pytest.raises(Refused, match="no file that the policy names"):
        await reads.appendable("/etc/passwd")
    await reads.close()
