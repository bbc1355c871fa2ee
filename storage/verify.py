"""Checking chains: is the record the one that was written?

Belongs here: recomputing every hash of a stream, from a database or an export, and naming the first bad event.
Does not belong here: writing anything, or trusting the database's own idea of its heads more than the events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rfc8785
from sqlalchemy import select

from storage.db import Tx
from storage.tables import events, incidents, streams
from storage.timeline import FORMAT, ORG, event_digest, genesis, head, raw, text_digest

ENVELOPE = (
    "format", "stream", "seq", "type", "at", "source_at", "claimed_by", "actor", "body", "texts", "prev",
)  # fmt: skip


@dataclass
class Verdict:
    """Result for one stream. bad: the first event that does not fit, in words, or "". erased: texts taken out."""

    stream: str
    events: int = 0
    hash: str = ""
    bad: str = ""
    erased: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every event fits."""
        return not self.bad


def check(stream: str, rows: Iterable[Mapping[str, Any]]) -> Verdict:
    """Check one stream's events (shape of `timeline.raw`), in order, from number 1."""
    verdict = Verdict(stream)
    prev = genesis(stream)
    for row in rows:
        expected = verdict.events + 1
        problem = _problem(row, stream, expected, prev)
        if problem:
            verdict.bad = f"event {row.get('seq', expected)} of {stream}: {problem}"
            return verdict
        verdict.erased += sum(1 for kept in row.get("kept", {}).values() if kept.get("text") is None)
        verdict.events, prev = expected, row["hash"]
    verdict.hash = prev
    return verdict


def _problem(row: Mapping[str, Any], stream: str, seq: int, prev: str) -> str:
    missing = [name for name in (*ENVELOPE, "hash") if name not in row]
    if missing:
        return f"it lacks {', '.join(missing)}"
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
    if not _well_formed(row["kept"]):
        return "what stands beside it is not a list of texts"
    gone = sorted(set(row["texts"]) - set(row["kept"]))
    if gone:
        return f"its text {gone[0]!r} was taken away (erasing leaves a mark)"
    for name, kept in row["kept"].items():
        if name not in row["texts"]:
            return f"a text {name!r} stands beside it that it never had"
        if kept.get("text") is not None and _text_digest(kept) != row["texts"][name]:
            return f"its text {name!r} was edited"
    return ""


def _well_formed(kept: Any) -> bool:
    return isinstance(kept, Mapping) and all(
        isinstance(one, Mapping) and {"salt", "text"} <= set(one) for one in kept.values()
    )


def _text_digest(kept: Mapping[str, Any]) -> str:
    try:
        return text_digest(kept["salt"], kept["text"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return ""


def check_database(tx: Tx) -> list[Verdict]:
    """Every stream of a database; also that heads, incidents and the `org` stream's own notes of them agree."""
    known = set(tx.conn.execute(select(streams.c.name)).scalars())
    known |= set(tx.conn.execute(select(events.c.stream).distinct()).scalars())
    verdicts = {name: _check_stream(tx, name) for name in sorted(known)}
    for row in raw(tx, ORG):
        told = row["body"]
        if row["type"] == "stream.opened":
            _compare(verdicts, told["stream"], 1, told["hash"], tx)
        elif row["type"] == "stream.anchored":
            _compare(verdicts, told["stream"], told["seq"], told["hash"], tx)
    for incident in tx.conn.execute(select(incidents.c.id)).scalars():
        if incident not in verdicts:
            verdicts[incident] = Verdict(incident, bad=f"{incident} has no events at all")
    return list(verdicts.values())


def _check_stream(tx: Tx, name: str) -> Verdict:
    verdict = check(name, raw(tx, name))
    end = head(tx, name)
    if verdict.ok and (end.seq != verdict.events or end.hash != verdict.hash):
        verdict.bad = f"{name} ends at event {verdict.events}, its head says {end.seq}: its tail was cut or added"
    return verdict


def _compare(verdicts: dict[str, Verdict], stream: str, seq: int, digest: str, tx: Tx) -> None:
    found = tx.conn.execute(select(events.c.hash).where(events.c.stream == stream, events.c.seq == seq)).scalar()
    verdict = verdicts.setdefault(stream, Verdict(stream))
    if verdict.ok and found != digest:
        what = "is gone" if found is None else "is another one"
        verdict.bad = f"event {seq} of {stream} {what}: the org stream remembers sha256:{digest[:12]}…"


def check_file(path: Path) -> list[Verdict]:
    """An exported JSON Lines file, offline. One verdict per stream in it; a line that is no JSON is named."""
    by_stream: dict[str, list[dict[str, Any]]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            return [Verdict(path.name, bad=f"line {number} is not JSON")]
        if not isinstance(row, dict):
            return [Verdict(path.name, bad=f"line {number} is not an event")]
        by_stream.setdefault(str(row.get("stream")), []).append(row)
    if not by_stream:
        return [Verdict(path.name, bad="there is no event in it")]
    return [check(stream, rows) for stream, rows in by_stream.items()]
