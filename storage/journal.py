"""The journal: what was done while the database could not be reached, kept in a local file until it is imported.

JSON Lines, one chain per file: every line carries the SHA-256 of its RFC 8785 form and of the line before, and is on
the disk (fsync) before `write` returns. Several processes may share one file: a lock is held while a line is added.

Belongs here: the file, its chain, which declares wait for import, and the events their lines become. Does not belong
here: what is done blind (bot/blind.py), making an incident of it (commands/hooks/journal.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import rfc8785
from sqlalchemy import select

from storage import timeline
from storage.db import Tx
from storage.tables import runs
from storage.timeline import Entry
from storage.types import from_iso, iso

FORMAT = 1
GENESIS = hashlib.sha256(b"muster journal").hexdigest()
EFFECTS = ("page", "tell")
# How long an effect of another process may be silent before it counts as never answered: longer than any is tried.
SILENT = timedelta(seconds=90)


@dataclass(frozen=True)
class Line:
    """One line. type: declared | page.started | page.done | tell.failed | … | imported; declare: whose; at: host clock.

    boot: names the process that wrote it. body: machine words, and what people typed (beside no chain: the file is
    private, 0600, and what is imported from it goes to the timeline's erasable texts).
    """

    format: int
    seq: int
    at: str
    type: str
    declare: str
    replica: str
    boot: str
    body: dict[str, Any]
    prev: str
    hash: str = ""

    @property
    def when(self) -> datetime:
        """The writing host's time."""
        return from_iso(self.at)

    def digest(self) -> str:
        """SHA-256 (hex) of everything but `hash`."""
        return hashlib.sha256(rfc8785.dumps({k: v for k, v in asdict(self).items() if k != "hash"})).hexdigest()


@dataclass
class Declare:
    """One blind declare: its lines in order. intact: whether the chain holds up to its last line."""

    id: str
    lines: list[Line] = field(default_factory=list)
    intact: bool = True

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked, from its first line."""
        return next((line.body for line in self.lines if line.type == "declared"), {})

    @property
    def imported(self) -> bool:
        """Whether it stands in the database, or was refused there for good."""
        return any(line.type == "imported" for line in self.lines)

    def last(self, effect: str) -> Line | None:
        """The last word about an effect: `page.started` alone means that nobody knows."""
        mine = [line for line in self.lines if line.type.partition(".")[0] == effect]
        return mine[-1] if mine else None

    def over(self, now: datetime, boot: str, busy: Sequence[str] = ()) -> bool:
        """Whether nobody is still making its effects. boot, busy: this process, and what it has in hand."""
        last = self.lines[-1]
        if last.boot == boot:
            return self.id not in busy
        open_ = [e for e in EFFECTS if (said := self.last(e)) and said.type.endswith(".started")]
        return not (open_ or last.type == "declared") or now - last.when > SILENT


class Journal:
    """One file. boot: a word no other process has; replica: the process's name on lines."""

    def __init__(self, path: Path, replica: str, boot: str) -> None:
        self.path = path
        self.replica = replica
        self.boot = boot

    def write(self, type: str, declare: str, body: Mapping[str, Any]) -> Line:
        """Add a line; it is on the disk when this returns. Raises OSError. Blocks: call it in a thread."""
        fresh = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(number, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            last, torn = _tail(file)
            at = iso(datetime.now(UTC))
            seq, prev = (last.seq + 1, last.hash) if last else (1, GENESIS)
            line = Line(FORMAT, seq, at, type, declare, self.replica, self.boot, dict(body), prev)
            line = Line(**{**asdict(line), "hash": line.digest()})
            # A process that died in the middle of a line left it torn: it stays alone on its line.
            file.write(b"\n" * torn + json.dumps(asdict(line), ensure_ascii=False).encode() + b"\n")
            os.fsync(file.fileno())
        if fresh:
            _keep_name(self.path.parent)
        return line

    def declares(self) -> list[Declare]:
        """Everything ever declared blind, in order. Raises OSError when the file cannot be read."""
        found: dict[str, Declare] = {}
        intact, before = True, GENESIS
        for line in self._lines():
            intact = intact and line.prev == before and line.hash == line.digest()
            before = line.hash
            one = found.setdefault(line.declare, Declare(line.declare))
            one.lines.append(line)
            one.intact = one.intact and intact
        return list(found.values())

    def waiting(self) -> list[Declare]:
        """What is not imported yet."""
        return [one for one in self.declares() if one.lines[0].type == "declared" and not one.imported]

    def _lines(self) -> Iterator[Line]:
        """Every whole line. One that a dying process left torn is passed over: the chain goes on from the one before;
        had somebody spoilt a whole line instead, the next one's `prev` would not fit."""
        if self.path.exists():
            for text in self.path.read_bytes().split(b"\n"):
                if (line := _line(text)) is not None:
                    yield line


def _line(text: bytes) -> Line | None:
    try:
        found = json.loads(text)
        return Line(**found) if isinstance(found, dict) else None
    except (ValueError, TypeError):
        return None


def _tail(file: BinaryIO | Any) -> tuple[Line | None, bool]:
    """The last whole line, and whether something unfinished stands after it."""
    file.seek(0)
    raw = file.read().split(b"\n")
    last = next((line for text in reversed(raw) if text.strip() and (line := _line(text)) is not None), None)
    return last, bool(raw[-1].strip())


def _keep_name(folder: Path) -> None:
    """The file's own name must survive a power cut too."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def made_by(tx: Tx, ask: str) -> str | None:
    """The incident a declare's own ask was handled to, or None."""
    mine = select(runs.c.incident).where(runs.c.ask == ask, runs.c.incident.is_not(None)).limit(1)
    found = tx.conn.execute(mine).scalar()
    return str(found) if found else None


def record(tx: Tx, stream: str, declare: Mapping[str, Any]) -> None:
    """Write what was done blind onto the incident's stream, marked as imported, with the source's own times.

    declare: {"replica", "intact", "lines": [asdict(Line), …]} as it stands in the import's ask.
    """
    lines = [Line(**one) for one in declare["lines"]]
    body = {
        "replica": declare["replica"], "intact": bool(declare["intact"]), "lines": len(lines),
        "first": lines[0].hash, "last": lines[-1].hash,
    }  # fmt: skip
    entries = [Entry("journal.imported", "muster", body, source_at=_past(tx, lines[0]))]
    for line in lines:
        effect, _, outcome = line.type.partition(".")
        if effect not in EFFECTS:
            continue
        said = {key: line.body.get(key) for key in ("key", "channel", "ts")}
        told = {
            "effect": effect, "outcome": outcome, "key": said["key"], "channel": said["channel"], "ts": said["ts"],
            "seq": line.seq, "hash": line.hash, "imported": True,
        }  # fmt: skip
        why = {"error": str(line.body["error"])} if line.body.get("error") else {}
        entries.append(Entry("journal.effect", "muster", told, why, source_at=_past(tx, line)))
    timeline.append(tx, stream, *entries)


def _past(tx: Tx, line: Line) -> datetime:
    """The host's clock is the only witness; it does not speak of the future."""
    return min(line.when, tx.now)
