"""Long streams for tests, put in at once: every hash is right, none of it went through `append`."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import insert, update

from storage.db import Tx
from storage.tables import events, streams, texts
from storage.timeline import event_digest, genesis, text_digest

BATCH = 2000


def grow(tx: Tx, stream: str, count: int) -> str:
    """A stream of so many events with a text each; returns its last hash."""
    prev = genesis(stream)
    tx.conn.execute(insert(streams).values(name=stream, seq=0, hash=prev, at=""))
    rows: list[dict[str, Any]] = []
    typed: list[dict[str, Any]] = []
    for seq in range(1, count + 1):
        salt, said = f"{seq:032x}", f"note {seq} " + "x" * 60
        row: dict[str, Any] = {
            "format": 1, "stream": stream, "seq": seq, "type": "incident.note", "at": "2026-11-22T05:00:00.000000Z",
            "source_at": None, "claimed_by": None, "actor": "P-1", "body": {"n": seq}, "prev": prev,
            "texts": {"text": text_digest(salt, said)},
        }  # fmt: skip
        prev = event_digest(row)
        body = json.dumps({"body": row.pop("body"), "texts": row.pop("texts")})
        rows.append({**row, "body": body, "hash": prev})
        typed.append({"stream": stream, "seq": seq, "field": "text", "salt": salt, "text": said})
        if len(rows) == BATCH or seq == count:
            tx.conn.execute(insert(events), rows)
            tx.conn.execute(insert(texts), typed)
            rows, typed = [], []
    tx.conn.execute(update(streams).where(streams.c.name == stream).values(seq=count, hash=prev))
    return prev
