"""The timeline: append-only streams of events, each carrying the hash of the one before.

Belongs here: the event format (version 1), `append` (the only writer of events) and reading streams. Does not belong
here: what events mean (engine and commands), checking chains (`storage/verify.py`), pictures of them (projections).

Format 1, hashed as RFC 8785 canonical JSON with SHA-256:
    {format, stream, seq, type, at, source_at, claimed_by, actor, body, texts, prev}
`at` is database time, RFC 3339 UTC with microseconds. `body` holds opaque ids, numbers and machine words only;
`texts` holds, per field, the salted SHA-256 of what a person typed. The text itself stands in table `texts`, where it
can be erased without breaking the chain. `prev` of event 1 is the SHA-256 of the stream's name.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import select

from storage.db import Tx
from storage.sql import change, find, fresh_insert, insert_or
from storage.tables import events, streams, texts
from storage.types import from_iso, iso

FORMAT = 1
ORG = "org"


@dataclass(frozen=True)
class Entry:
    """What is to be appended. type: "step.started"; actor: person id, "muster", "pagerduty"; texts: typed by people."""

    type: str
    actor: str
    body: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    source_at: datetime | None = None
    claimed_by: str | None = None


@dataclass(frozen=True)
class Event:
    """One stored event. `texts` maps field -> text, or None when it was erased."""

    stream: str
    seq: int
    type: str
    at: datetime
    actor: str
    body: dict[str, Any]
    texts: dict[str, str | None]
    source_at: datetime | None
    claimed_by: str | None
    hash: str

    @property
    def when(self) -> datetime:
        """The time the event speaks of: the claimed or source time where there is one, else database time."""
        return self.source_at or self.at

    def text(self, name: str = "text") -> str:
        """A typed text, or a mark that it was erased; "" where the event never had it."""
        if name not in self.texts:
            return ""
        value = self.texts[name]
        return "(erased)" if value is None else value


@dataclass(frozen=True)
class Head:
    """The end of a stream: how many events and the last one's hash (hex)."""

    stream: str
    seq: int
    hash: str

    @property
    def short(self) -> str:
        """`sha256:9f2c…e1` for cards."""
        return f"sha256:{self.hash[:4]}…{self.hash[-2:]}"


def genesis(stream: str) -> str:
    """`prev` of a stream's first event."""
    return hashlib.sha256(stream.encode()).hexdigest()


def text_digest(salt: str, text: str) -> str:
    """Salted digest of a typed text: sha256(salt hex decoded, then UTF-8 text), hex."""
    return hashlib.sha256(bytes.fromhex(salt) + text.encode()).hexdigest()


def event_digest(envelope: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of an event's envelope (all fields of format 1 but `hash`)."""
    return hashlib.sha256(rfc8785.dumps(dict(envelope))).hexdigest()


def append(tx: Tx, stream: str, *entries: Entry) -> list[int]:
    """Append events in order and return their numbers. Locks the stream's head until the transaction ends.

    Raises ValueError for a body that cannot be made canonical (floats, NaN, non-text keys).
    """
    head = _lock_head(tx, stream)
    seq, prev, last_at = head.seq, head.hash, tx.now
    rows, salted = [], []
    if head.at and from_iso(head.at) > last_at:
        last_at = from_iso(head.at)  # a stream never runs backwards, whatever the clocks do
    at = iso(last_at)
    for entry in entries:
        seq += 1
        digests = {}
        for name, value in sorted(entry.texts.items()):
            salt = secrets.token_hex(16)
            digests[name] = text_digest(salt, value)
            salted.append({"stream": stream, "seq": seq, "field": name, "salt": salt, "text": value})
        envelope = {
            "format": FORMAT,
            "stream": stream,
            "seq": seq,
            "type": entry.type,
            "at": at,
            "source_at": iso(entry.source_at) if entry.source_at else None,
            "claimed_by": entry.claimed_by,
            "actor": entry.actor,
            "body": _plain(dict(entry.body)),
            "texts": digests,
            "prev": prev,
        }
        prev = event_digest(envelope)
        body = json.dumps({"body": envelope.pop("body"), "texts": envelope.pop("texts")}, ensure_ascii=False)
        rows.append({**envelope, "body": body, "hash": prev})
    if not rows:
        return []
    tx.conn.execute(fresh_insert(events), rows)
    if salted:
        tx.conn.execute(fresh_insert(texts), salted)
    change(tx, streams, {"name": stream}, {"seq": seq, "hash": prev, "at": at})
    tx.hint("timeline")
    return [row["seq"] for row in rows]


@dataclass
class _Locked:
    seq: int
    hash: str
    at: str


def _lock_head(tx: Tx, stream: str) -> _Locked:
    row = _head_row(tx, stream)
    if row is None:
        fresh = insert_or(tx, streams).values(name=stream, seq=0, hash=genesis(stream), at="")
        tx.conn.execute(fresh.on_conflict_do_nothing())
        row = _head_row(tx, stream)
        assert row is not None
    return _Locked(*row)


def _head_row(tx: Tx, stream: str) -> Any:
    return find(tx, streams, ("seq", "hash", "at"), {"name": stream}, lock=True).first()


def _plain(value: Any) -> Any:
    """Only what every JSON writer spells alike: text, whole numbers, booleans, null, lists, objects with text keys."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return f"{value:.3f}"  # floats are not the same in every language; as text they are
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    raise ValueError(f"an event body cannot hold a {type(value).__name__}")


def head(tx: Tx, stream: str) -> Head:
    """Where a stream ends now; seq 0 and the genesis hash for one that has not begun."""
    row = tx.conn.execute(select(streams.c.seq, streams.c.hash).where(streams.c.name == stream)).first()
    return Head(stream, row.seq, row.hash) if row else Head(stream, 0, genesis(stream))


def read(tx: Tx, stream: str, *, after: int = 0, types: tuple[str, ...] = (), limit: int = 100_000) -> list[Event]:
    """Events of a stream in order, with their texts."""
    query = select(events).where(events.c.stream == stream, events.c.seq > after).order_by(events.c.seq).limit(limit)
    if types:
        query = query.where(events.c.type.in_(types))
    rows = tx.conn.execute(query).all()
    if not rows:
        return []
    span = (texts.c.stream == stream, texts.c.seq >= rows[0].seq, texts.c.seq <= rows[-1].seq)
    by_seq: dict[int, dict[str, str | None]] = {}
    for line in tx.conn.execute(select(texts.c.seq, texts.c.field, texts.c.text).where(*span)):
        by_seq.setdefault(line.seq, {})[line.field] = line.text
    return [_event(row, by_seq.get(row.seq, {})) for row in rows]


def _event(row: Any, found: dict[str, str | None]) -> Event:
    return Event(
        stream=row.stream,
        seq=row.seq,
        type=row.type,
        at=from_iso(row.at),
        actor=row.actor,
        body=json.loads(row.body)["body"],
        texts=found,
        source_at=from_iso(row.source_at) if row.source_at else None,
        claimed_by=row.claimed_by,
        hash=row.hash,
    )


def raw(tx: Tx, stream: str, *, batch: int = 1000) -> Iterator[dict[str, Any]]:
    """Every event exactly as it was hashed, plus its `hash` and the kept texts with their salts: the export format."""
    after = 0
    while True:
        query = select(events).where(events.c.stream == stream, events.c.seq > after).order_by(events.c.seq)
        rows = tx.conn.execute(query.limit(batch)).mappings().all()
        if not rows:
            return
        first, after = rows[0]["seq"], rows[-1]["seq"]
        kept: dict[int, dict[str, Any]] = {}
        span = (texts.c.stream == stream, texts.c.seq >= first, texts.c.seq <= after)
        for line in tx.conn.execute(select(texts).where(*span)):
            kept.setdefault(line.seq, {})[line.field] = {"salt": line.salt, "text": line.text}
        for row in rows:
            packed = json.loads(row["body"])
            yield {**row, "body": packed["body"], "texts": packed["texts"], "kept": kept.get(row["seq"], {})}
