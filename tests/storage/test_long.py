"""A hundred thousand events: exported and checked by real processes that need no more memory than for two thousand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from storage import incidents
from storage.db import Database, Tx
from storage.remembered import Remembered, gather
from storage.timeline import ORG, Entry, append, read
from storage.verify import check_file
from tests.storage.big import grow

ROOT = Path(__file__).parents[2]
SHORT, LONG = 2_000, 100_000
MORE_MB = 12  # what a long stream may need above a short one: nothing, but for a heap that is never quite full
# One command line verb in a process of its own; memory is the whole process's, the database client's included.
VERB = """
import json, resource, sys, time
from pathlib import Path
from bot import record

verb, url, stream, file = sys.argv[1:]
began = time.monotonic()
code = record.verified(url) if verb == "verify" else record.exported(url, stream, Path(file), verb)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"code": code, "seconds": round(time.monotonic() - began, 1), "peak_mb": peak}))
"""


def _measured(verb: str, url: str, stream: str, file: Path) -> dict[str, Any]:
    given = [sys.executable, "-c", VERB, verb, url, stream, str(file)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(given, capture_output=True, text=True, check=True, cwd=ROOT, timeout=300, env=env)
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_a_hundred_thousand_events_in_bounded_memory(db: Database, tmp_path: Path) -> None:
    await db.write(lambda tx: grow(tx, "INC-1", SHORT))
    verbs = ("verify", "jsonl", "csv", "zip")
    small = {verb: _measured(verb, db.url, "INC-1", tmp_path / f"short.{verb}") for verb in verbs}
    await db.write(lambda tx: grow(tx, "INC-2", LONG))
    await db.write(_remember)
    kind = "SQLite" if db.sqlite else "PostgreSQL"
    for verb in verbs:
        big = _measured(verb, db.url, "INC-2", tmp_path / f"long.{verb}")
        said = f"{kind}, {LONG:,} events, {verb}: {big['seconds']} s, {big['peak_mb']} MB"
        print(f"\n{said} ({SHORT:,}: {small[verb]['peak_mb']} MB)")
        assert big["code"] == 0 and big["peak_mb"] < small[verb]["peak_mb"] + MORE_MB, said
    (verdict,) = check_file(tmp_path / "long.jsonl")
    assert verdict.ok and verdict.events == LONG


def _remember(tx: Tx) -> None:
    """An org stream of years: twenty thousand heads of other streams, which nobody's export has to hold."""
    first = read(tx, "INC-1", limit=1)[0].hash
    one = Entry("stream.anchored", "muster", {"stream": "INC-1", "seq": 1, "hash": first, "places": [], "run": None})
    for _ in range(20):
        append(tx, ORG, *[one] * 1_000)


async def test_what_one_stream_is_remembered_by_is_found_alone(db: Database) -> None:
    def work(tx: Tx) -> None:
        for title in ("checkout is down", "login fails"):
            found = incidents.open_incident(tx, title=title, severity="sev1", by="P-ANA")
            incidents.anchor(tx, found.id)
        outside = {("INC-1", 7): "ab", ("INC-2", 9): "cd"}
        every, mine = gather(tx, outside), gather(tx, outside, only="INC-2")
        assert mine == {"INC-2": every["INC-2"]} and Remembered(9, "cd", "anchor") in mine["INC-2"]
        assert {one.by for one in mine["INC-2"]} == {"org", "anchor"}

    await db.write(work)
