"""Checking chains: is the record the one that was written?

Belongs here: recomputing every hash of a stream, from a database or an export, and naming the first bad event; holding
it against what the `org` stream and anchors remember. One event at a time: a long stream needs no more memory than a
short one. Does not belong here: writing anything, or trusting the database's own idea of its heads more than the
events. `storage/audit/verify.py` is the same for auditors, one file without Muster; a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rfc8785
from sqlalchemy import select

from storage.audit.verify import Anchors, once
from storage.db import Tx
from storage.remembered import Remembered, gather, pruned_ends
from storage.tables import events, incidents, streams
from storage.timeline import FORMAT, event_digest, genesis, head, raw, text_digest

ENVELOPE = (
    "format", "stream", "seq", "type", "at", "source_at", "claimed_by", "actor", "body", "texts", "prev",
)  # fmt: skip
Progress = Callable[[int], object]
"""Called now and then with how many events (database) or bytes (file) have been looked at since the last call."""
TELL_EVERY = 500


@dataclass
class Verdict:
    """Result for one stream. bad: the first event that does not fit, in words, or "". erased: texts taken out.

    agreed: how many anchors from outside agree; own: how many kept in the same database do, which shows less.
    """

    stream: str
    events: int = 0
    hash: str = ""
    bad: str = ""
    erased: int = 0
    agreed: int = 0
    own: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every event fits."""
        return not self.bad


class Checker:
    """One stream while its events pass by. expected: what is remembered of it elsewhere."""

    def __init__(self, stream: str, expected: Iterable[Remembered] = ()) -> None:
        self.verdict = Verdict(stream, hash=genesis(stream))
        self._expected: dict[int, list[Remembered]] = {}
        for one in expected:
            self._expected.setdefault(one.seq, []).append(one)
        self._fits = 0  # the last event that somebody remembers and that is as remembered

    def take(self, row: Mapping[str, Any]) -> None:
        """The next event (shape of `timeline.raw`). After the first bad one nothing more is looked at."""
        verdict = self.verdict
        if verdict.bad:
            return
        seq = verdict.events + 1
        if problem := _problem(row, verdict.stream, seq, verdict.hash):
            verdict.bad = f"event {row.get('seq', seq)} of {verdict.stream}: {problem}"
            return
        for one in self._expected.pop(seq, ()):
            if one.hash != row["hash"]:
                verdict.bad = one.differs(verdict.stream, self._fits)
                return
            self._fits = seq
            verdict.agreed += one.by == "anchor"
            verdict.own += one.by == "own"
        verdict.erased += sum(1 for kept in row.get("kept", {}).values() if kept["text"] is None)
        verdict.events, verdict.hash = seq, row["hash"]

    def end(self, head: tuple[int, str] | None = None) -> Verdict:
        """There are no more events. head: where the database says that the stream ends."""
        verdict = self.verdict
        if verdict.ok and head is not None and head != (verdict.events, verdict.hash):
            verdict.bad = (
                f"{verdict.stream} ends at event {verdict.events}, its head says {head[0]}: its tail was cut or added"
            )
        if verdict.ok and self._expected:
            verdict.bad = self._expected[min(self._expected)][0].gone(verdict.stream, verdict.events)
        return verdict


def check(stream: str, rows: Iterable[Mapping[str, Any]]) -> Verdict:
    """Check one stream's events (shape of `timeline.raw`), in order, from number 1."""
    checker = Checker(stream)
    for row in rows:
        checker.take(row)
    return checker.end()


def _problem(row: Mapping[str, Any], stream: str, seq: int, prev: str) -> str:
    missing = [name for name in (*ENVELOPE, "hash") if name not in row]
    if missing:
        return f"it lacks {', '.join(missing)}"
    if len(row) > len(ENVELOPE) + 1 + ("kept" in row):
        unknown = sorted(set(row) - {*ENVELOPE, "hash", "kept"})
        return f"{unknown[0]!r} is no field of an event"
    if row["format"] != FORMAT:
        return f"format {row['format']} is not known to this verifier (knows {FORMAT})"
    if row["stream"] != stream:
        return f"it belongs to stream {row['stream']}"
    if row["seq"] != seq:
        return f"number {seq} was expected: an event is missing, doubled or out of order"
    if row["prev"] != prev:
        return "it does not name the event before it: something before it was changed, removed or inserted"
    try:
        digest = event_digest({name: row[name] for name in ENVELOPE})
    except (rfc8785.CanonicalizationError, ValueError, TypeError, RecursionError) as error:
        return f"it cannot be made canonical: {error}"
    if digest != row["hash"]:
        return "its content does not give its hash: it was edited"
    return _bad_text(row) if "kept" in row else ""


def _bad_text(row: Mapping[str, Any]) -> str:
    """What is wrong with the texts beside an event. An erased one stays as a row without text."""
    if not (isinstance(row["texts"], Mapping) and _well_formed(row["kept"])):
        return "what stands beside it is not a list of texts"
    gone = sorted(set(row["texts"]) - set(row["kept"]))
    if gone:
        return f"its text {gone[0]!r} was taken away (erasing leaves a mark)"
    for name, kept in row["kept"].items():
        if name not in row["texts"]:
            return f"a text {name!r} stands beside it that it never had"
        if kept["text"] is not None and _text_digest(kept) != row["texts"][name]:
            return f"its text {name!r} was edited"
    return ""


def _well_formed(kept: Any) -> bool:
    return isinstance(kept, Mapping) and all(
        isinstance(one, Mapping) and set(one) == {"salt", "text"} for one in kept.values()
    )


def _text_digest(kept: Mapping[str, Any]) -> str:
    try:
        return text_digest(kept["salt"], kept["text"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return ""


def check_database(tx: Tx, anchors: Anchors | None = None, progress: Progress | None = None) -> list[Verdict]:
    """Every stream of a database; also that heads, incidents, the `org` stream and anchors agree with them.

    anchors: from outside the database. Its own table is looked at as well and shows less: who can rewrite the streams
    can rewrite it.
    """
    expected, ended = gather(tx, anchors or {}), pruned_ends(tx)
    known = set(tx.conn.execute(select(streams.c.name)).scalars())
    known |= set(tx.conn.execute(select(events.c.stream).distinct()).scalars())
    opened = set(tx.conn.execute(select(incidents.c.id)).scalars())
    found = []
    for name in sorted(known | opened | set(expected)):
        verdict = _check_stream(tx, name, expected.get(name, []), ended.get(name), progress)
        if verdict.ok and not verdict.events and not verdict.notes and name in opened:
            verdict.bad = f"{name} has no events at all"
        found.append(verdict)
    return found


def check_stream(tx: Tx, name: str) -> Verdict:
    """One stream of a database, with what the `org` stream and this database's own anchors remember of it."""
    return _check_stream(tx, name, gather(tx, {}, only=name).get(name, []), pruned_ends(tx).get(name), None)


def _check_stream(
    tx: Tx, name: str, expected: list[Remembered], ended: Remembered | None, progress: Progress | None
) -> Verdict:
    checker = Checker(name, expected)
    for number, row in enumerate(raw(tx, name), 1):
        checker.take(row)
        if number % TELL_EVERY == 0 and progress is not None:
            progress(TELL_EVERY)
    if ended is not None and not checker.verdict.events and checker.verdict.ok:
        return _pruned(name, expected, ended)
    end = head(tx, name)
    return checker.end((end.seq, end.hash))


def _pruned(name: str, expected: list[Remembered], ended: Remembered) -> Verdict:
    """A stream that was taken out when its time was over: what is remembered of it must not go beyond its end."""
    verdict = Verdict(name, hash=ended.hash, notes=[f"pruned after event {ended.seq}: see its export"])
    for one in expected:
        if one.seq > ended.seq:
            verdict.bad = one.gone(name, ended.seq)
        elif one.seq == ended.seq and one.hash != ended.hash:
            verdict.bad = one.differs(name, 0)
    return verdict


def check_file(path: Path, anchors: Anchors | None = None, progress: Progress | None = None) -> list[Verdict]:
    """An exported JSON Lines file, offline. One verdict per stream in it; a line that is no event is named."""
    known: dict[str, list[Remembered]] = {}
    for (stream, seq), digest in (anchors or {}).items():
        known.setdefault(stream, []).append(Remembered(seq, digest, "anchor"))
    checkers: dict[str, Checker] = {}
    passed = 0
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            passed += len(line)
            if number % TELL_EVERY == 0 and progress is not None:
                progress(passed)
                passed = 0
            if not line.strip():
                continue
            try:
                row = json.loads(line, object_pairs_hook=once)
            except (ValueError, RecursionError) as error:
                why = f"not JSON: {error}" if isinstance(error, json.JSONDecodeError) else f"not an event: {error}"
                return [*_ended(checkers), Verdict(path.name, bad=f"line {number} is {why}")]
            if not isinstance(row, dict):
                return [*_ended(checkers), Verdict(path.name, bad=f"line {number} is not an event")]
            name = str(row.get("stream"))
            if name not in checkers:
                checkers[name] = Checker(name, known.get(name, ()))
            checkers[name].take(row)
    return _ended(checkers) or [Verdict(path.name, bad="there is no event in it")]


def _ended(checkers: Mapping[str, Checker]) -> list[Verdict]:
    return [checker.end() for checker in checkers.values()]
