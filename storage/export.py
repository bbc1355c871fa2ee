"""Exports: a stream as a file. One pass over the events, whatever the formats; no more memory for a long stream.

Belongs here: JSON Lines (verifies offline), CSV, Markdown, and the entry that an export was made. Does not belong here:
the evidence pack (audit/pack.py), checking (verify.py), the words for an event (the caller brings them).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

from sqlalchemy import func, select

from storage import incident_rows, people
from storage.db import Tx
from storage.tables import events
from storage.timeline import ORG, Entry, Event, append, raw
from storage.types import from_iso

Row = Mapping[str, Any]
Say = Callable[[Event, Callable[[str], str]], str]
"""An event in one line for people, in Slack's mrkdwn, given how persons are called (commands/events.py)."""
Progress = Callable[[int], object]
TELL_EVERY = 500
COLUMNS = ("seq", "at", "source_at", "claimed_by", "actor", "name", "type", "body", "texts", "hash")
# What a spreadsheet takes for a formula, or trims away before it looks: the cell is marked as text.
FORMULA = re.compile(r"^[\s\x00]*[=+\-@＝＋－＠|%]|^[\t\r\n]")
_MARKS = re.compile(r"([\\`\[\]!#|~])")


class Sink(Protocol):
    """A format: told each event in order, then the end."""

    def take(self, row: Row) -> None:
        """The next event (shape of `timeline.raw`)."""

    def end(self) -> None:
        """There are no more."""


def stream_to(tx: Tx, stream: str, sinks: Iterable[Sink], progress: Progress | None = None) -> int:
    """Hand every event of a stream to all sinks, in one pass; returns how many there are."""
    count, all_sinks = 0, list(sinks)
    for row in raw(tx, stream):
        for sink in all_sinks:
            sink.take(row)
        count += 1
        if progress is not None and count % TELL_EVERY == 0:
            progress(TELL_EVERY)
    for sink in all_sinks:
        sink.end()
    return count


def write_jsonl(tx: Tx, stream: str, file: TextIO) -> int:
    """One event a line, as hashed, with its hash and kept texts; returns how many. `muster verify FILE` checks it."""
    return stream_to(tx, stream, [Jsonl(file)])


def as_text(tx: Tx, stream: str, format: str, last: int) -> str:
    """A stream's events up to that number, as "jsonl" or "csv". Words that were erased meanwhile are not in it."""
    file = io.StringIO(newline="")
    sink: Sink = Csv(file, Names(tx)) if format == "csv" else Jsonl(file)
    for row in raw(tx, stream):
        if row["seq"] <= last:
            sink.take(row)
    sink.end()
    return file.getvalue()


def made(
    tx: Tx, *, what: str, format: str, sha256: str, events: int, actor: str = "muster", via: str = "cli",
    account: str = "",
) -> None:  # fmt: skip
    """Write down, on the `org` stream, that somebody carried a part of the record away.

    what: INC-42, org, or the name of a report; sha256: of the file, hex; account: who asked, as the door knows them.
    """
    body = {"what": what, "format": format, "sha256": sha256, "events": events, "via": via}
    append(tx, ORG, Entry("export.made", actor, body, {"account": account} if account else {}))


class Names:
    """Person id -> name, each looked up once; whoever was erased stays an id."""

    def __init__(self, tx: Tx) -> None:
        self._tx, self._known = tx, dict[str, str]()

    def __call__(self, person: str) -> str:
        """The name, or the id."""
        if person not in self._known:
            self._known[person] = people.name(self._tx, person) if person.startswith("P-") else person
        return self._known[person]


class Jsonl:
    """Every event exactly as it was hashed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def take(self, row: Row) -> None:
        """A line."""
        self._file.write(json.dumps(dict(row), ensure_ascii=False, sort_keys=True) + "\n")

    def end(self) -> None:
        """Nothing."""


class Csv:
    """One row per event, for spreadsheets: no cell is ever a formula."""

    def __init__(self, file: TextIO, names: Callable[[str], str]) -> None:
        self._names = names
        self._csv = csv.writer(file, lineterminator="\r\n")
        self._csv.writerow(COLUMNS)

    def take(self, row: Row) -> None:
        """A row."""
        said = {name: one["text"] if one["text"] is not None else "(erased)" for name, one in row["kept"].items()}
        values = {**row, "name": self._names(row["actor"]), "body": _json(row["body"]), "texts": _json(said)}
        self._csv.writerow([cell(values[column]) for column in COLUMNS])

    def end(self) -> None:
        """Nothing."""


def cell(value: object) -> str:
    """A value as a cell. What would begin a formula is marked as text with an apostrophe, as spreadsheets do."""
    if isinstance(value, int):
        return str(value)
    text = "" if value is None else str(value)
    return f"'{text}" if FORMULA.match(text) else text


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""


class Markdown:
    """A timeline to read: one line per event, numbered as in the record, times in UTC, a heading per day."""

    def __init__(self, tx: Tx, stream: str, file: TextIO, say: Say, names: Callable[[str], str]) -> None:
        self._file, self._say, self._names = file, say, names
        self._day, self._count, self._hash = "", 0, ""
        file.write(f"# Timeline of {stream}\n\n")
        found = incident_rows.get(tx, stream)
        if found is not None:
            file.write(f"{plain(found.severity)} · {plain(found.status)} · {plain(found.title)}\n\n")
        file.write("Times are UTC. \\* marks a time that somebody claimed; the record holds when they did.\n")

    def take(self, row: Row) -> None:
        """A line."""
        event = event_of(row)
        day = f"{event.when:%Y-%m-%d}"
        if day != self._day:
            self._file.write(f"\n## {day}\n\n")
            self._day = day
        claimed = "\\*" if event.claimed_by else ""
        words = plain(self._say(event, self._names))
        self._file.write(f"- {event.seq} · {event.when:%H:%M:%S}{claimed} · {words}\n")
        self._count, self._hash = event.seq, event.hash

    def end(self) -> None:
        """Where it ends."""
        self._file.write(f"\n{self._count} events, head `sha256:{self._hash}`. Later events may follow.\n")


def plain(text: str) -> str:
    """Words that can neither link, load a picture, nor break the page. Entities of Slack's mrkdwn are HTML's too."""
    one_line = " ".join(text.split())
    if "<" in one_line:
        one_line = one_line.replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", one_line)


def event_of(row: Row) -> Event:
    """An exported row as the event that people's words are made from."""
    return Event(
        stream=row["stream"],
        seq=row["seq"],
        type=row["type"],
        at=from_iso(row["at"]),
        actor=row["actor"],
        body=row["body"],
        texts={name: one["text"] for name, one in row["kept"].items()},
        source_at=from_iso(row["source_at"]) if row["source_at"] else None,
        claimed_by=row["claimed_by"],
        hash=row["hash"],
    )


def sha256_of(path: Path) -> str:
    """A file's SHA-256 (hex), however long it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def count_events(tx: Tx) -> int:
    """How many events there are in all."""
    return tx.conn.execute(select(func.count()).select_from(events)).scalar() or 0
