"""What is remembered of a stream outside the stream itself: by the `org` stream, by anchors, by pruning.

Belongs here: gathering it and the words for what disagrees. Does not belong here: checking events (verify.py), writing
anchors (anchors.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

from storage.audit.verify import Anchors
from storage.db import Tx
from storage.tables import events
from storage.tables_guard import anchors, pruned
from storage.timeline import ORG

By = Literal["org", "anchor", "own"]
# On PostgreSQL a cursor of the server's; without it the client holds the whole answer before the first row.
BATCHES = {"yield_per": 1000}
_WHO = {"org": "the org stream remembers", "own": "this database's own anchor says"}


@dataclass(frozen=True, slots=True)
class Remembered:
    """One event that somebody remembers. by: the org stream, an anchor from outside, or one of the same database."""

    seq: int
    hash: str
    by: By

    def differs(self, stream: str, fits: int) -> str:
        """The event is there and is another one. fits: the last event that is as remembered, 0 for none."""
        if self.by == "anchor":
            since = f" after event {fits}" if fits else ""
            words = f"it is not the one that was anchored (sha256:{self.hash[:12]}…): history{since} was rewritten"
            return f"event {self.seq} of {stream}: {words}"
        return f"event {self.seq} of {stream} is another one: {_WHO[self.by]} sha256:{self.hash[:12]}…"

    def gone(self, stream: str, events: int) -> str:
        """The stream ends before it. events: how many it has."""
        if self.by == "anchor":
            what = "its tail was cut" if events else "all of it is gone"
            return f"{stream} ends at event {events}, but it was anchored at {self.seq}: {what}"
        return f"event {self.seq} of {stream} is gone: {_WHO[self.by]} sha256:{self.hash[:12]}…"


def gather(tx: Tx, outside: Anchors, *, only: str | None = None) -> dict[str, list[Remembered]]:
    """Everything that is remembered: by the org stream, by anchors given from outside, by this database's own.

    only: of this stream alone. The `org` stream of years is read in batches; what is kept of it is one digest each.
    """
    found: dict[str, list[Remembered]] = {}
    kinds = ("stream.opened", "stream.anchored")
    query = select(events.c.body).where(events.c.stream == ORG, events.c.type.in_(kinds)).order_by(events.c.seq)
    with tx.conn.execute(query, execution_options=BATCHES) as told:  # closed also where the reading breaks off
        for body in _bodies(told.scalars()):
            try:
                stream, one = str(body["stream"]), Remembered(int(str(body["seq"])), str(body["hash"]), "org")
            except (KeyError, ValueError):
                continue  # the org stream's own check names an event that was bent
            if only in (None, stream):
                found.setdefault(stream, []).append(one)
    for (stream, seq), digest in sorted(outside.items()):
        if only in (None, stream):
            found.setdefault(stream, []).append(Remembered(seq, digest, "anchor"))
    own = select(anchors.c.stream, anchors.c.seq, anchors.c.hash).distinct()
    if only is not None:
        own = own.where(anchors.c.stream == only)
    with tx.conn.execute(own, execution_options=BATCHES) as rows:
        for row in rows:
            found.setdefault(row.stream, []).append(Remembered(row.seq, row.hash, "own"))
    return found


def _bodies(packed: Iterable[str]) -> Iterable[dict[str, object]]:
    for text in packed:
        try:
            body = json.loads(text)["body"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(body, dict):
            yield body


def pruned_ends(tx: Tx) -> dict[str, Remembered]:
    """Streams that were taken out when their time was over: their last event, where the org stream says so too."""
    query = select(events.c.body).where(events.c.stream == ORG, events.c.type.like("%.pruned"))
    told = {
        (body.get("stream"), body.get("seq"), body.get("hash")) for body in _bodies(tx.conn.execute(query).scalars())
    }
    rows = tx.conn.execute(select(pruned.c.stream, pruned.c.seq, pruned.c.hash))
    return {row.stream: Remembered(row.seq, row.hash, "org") for row in rows if tuple(row) in told}
