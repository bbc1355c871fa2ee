"""`muster export population | access-review | changes`: a report as CSV or JSON Lines, itself an event.

Belongs here: periods, files, the entry. Does not belong here: what stands in a report (storage/reports.py), one
incident's export (record.py).
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.record import account
from playbooks.errors import Refused
from storage import export
from storage.db import Database, Tx
from storage.reports import REPORTS, Row

FORMATS = ("csv", "jsonl")
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def known(what: str) -> bool:
    """Whether this names a report, and no timeline."""
    return what in REPORTS


def period(start: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    """[start, end) of two dates; both days count. Left out: from the beginning, until now. Raises Refused."""
    first = _day("--from", start) if start else EVER
    last = _day("--to", end) + timedelta(days=1) if end else now + timedelta(days=1)
    if first >= last:
        raise Refused(f"--from {start} is after --to {end}: there is nothing between them.")
    return first, last


def _day(option: str, said: str) -> datetime:
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise Refused(f"{option} {said} is not a date.", todo="Write 2026-11-22.") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def reported(url: str, what: str, start: str | None, end: str | None, output: Path | None, format: str) -> int:
    """Write a report and say so on the `org` stream."""
    if format not in FORMATS:
        raise Refused(f"A report is written as {' or '.join(FORMATS)}, not {format}.")
    target = output or Path(f"{what}.{format}")
    text, rows, digest = asyncio.run(_made(url, what, (start, end), format))
    target.write_text(text, encoding="utf-8", newline="")
    sys.stdout.write(f"{rows} rows of {what} in {target}, sha256:{digest}.\n")
    return 0


async def _made(url: str, what: str, said: tuple[str | None, str | None], format: str) -> tuple[str, int, str]:
    """The report and its digest, once the record says that it was made: nothing is carried away without an entry."""
    async with Database(url) as db:
        text, rows = await db.read(lambda tx: made(tx, what, *period(*said, tx.now), format))
        digest, who = hashlib.sha256(text.encode()).hexdigest(), account()
        await db.write(lambda tx: export.made(tx, what=what, format=format, sha256=digest, events=rows, account=who))
    return text, rows, digest


def made(tx: Tx, what: str, start: datetime, end: datetime, format: str) -> tuple[str, int]:
    """The report as text, and how many rows it has."""
    report, columns = REPORTS[what]
    rows = list(report(tx, start, end))
    return (_csv(rows, columns) if format == "csv" else _jsonl(rows)), len(rows)


def _csv(rows: Iterable[Row], columns: Iterable[str]) -> str:
    """No cell is ever a formula."""
    out = io.StringIO(newline="")
    names = list(columns)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([export.cell(_said(row[name])) for name in names])
    return out.getvalue()


def _said(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _jsonl(rows: Iterable[Row]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False, sort_keys=True)}\n" for row in rows)
