"""Messages that people put on a timeline: kept, edited in Slack, taken back, deleted in Slack.

Belongs here: the rows and their events; what was said stands in the events' texts. Does not belong here: looking at
Slack (commands/capturing.py), who may (dispatch).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from storage import incidents, timeline
from storage.db import Tx
from storage.sql import find, insert_or
from storage.tables_captures import captures
from storage.timeline import Entry

KEPT, REMOVED, DELETED = "kept", "removed", "deleted"


@dataclass(frozen=True)
class Captured:
    """One message on one timeline. event: the number that kept it; last: the one that holds its words, or None."""

    channel: str
    ts: str
    incident: str
    state: str
    event: int
    last: int | None


_NAMES = ("channel", "ts", "incident", "state", "event", "last")


def get(tx: Tx, channel: str, ts: str, incident: str) -> Captured | None:
    """This message on this timeline, whatever its state; None when it never was there."""
    row = find(tx, captures, _NAMES, {"channel": channel, "ts": ts, "incident": incident}).first()
    return Captured(*row) if row else None


def kept(tx: Tx, channel: str, ts: str) -> list[Captured]:
    """The timelines this message stands on now."""
    query = select(*[captures.c[name] for name in _NAMES])
    query = query.where(captures.c.channel == channel, captures.c.ts == ts, captures.c.state == KEPT)
    return [Captured(*row) for row in tx.conn.execute(query.order_by(captures.c.incident))]


def words(tx: Tx, one: Captured) -> str | None:
    """What it said when it was last looked at; None: never read, or erased."""
    if one.last is None:
        return None
    (event,) = timeline.read(tx, one.incident, after=one.last - 1, limit=1)
    return event.texts.get("text")


def keep(
    tx: Tx, incident: str, channel: str, ts: str, *, by: str, how: str, author: str | None, texts: dict[str, str]
) -> int:
    """Put it on the timeline; returns the event's number. author: a person, None when unknown; texts: text, link, …"""
    incidents.locked(tx, incident)
    body = {"channel": channel, "ts": ts, "how": how, "author": author, "read": "text" in texts}
    (seq,) = timeline.append(tx, incident, Entry("capture.kept", by, body, texts, source_at=moment(ts)))
    values = {"state": KEPT, "event": seq, "last": seq if "text" in texts else None, "at": tx.now}
    row = {"channel": channel, "ts": ts, "incident": incident, **values}
    mine = [captures.c.channel, captures.c.ts, captures.c.incident]
    tx.conn.execute(insert_or(tx, captures).values(row).on_conflict_do_update(index_elements=mine, set_=values))
    return seq


def edited(tx: Tx, one: Captured, text: str | None, *, by: str) -> int:
    """It was changed in Slack: what it says now is added (None: nobody could read it), what it said stays."""
    incidents.locked(tx, one.incident)
    body = {"event": one.event, "channel": one.channel, "ts": one.ts, "read": text is not None}
    texts = {"text": text} if text is not None else {}
    (seq,) = timeline.append(tx, one.incident, Entry("capture.edited", by, body, texts))
    if text is not None:
        _change(tx, one, last=seq)
    return seq


def removed(tx: Tx, one: Captured, *, by: str, how: str) -> int:
    """Nobody marks it any more: the timeline says so, and keeps what it said."""
    incidents.locked(tx, one.incident)
    body = {"event": one.event, "channel": one.channel, "ts": one.ts, "how": how}
    (seq,) = timeline.append(tx, one.incident, Entry("capture.removed", by, body))
    _change(tx, one, state=REMOVED)
    return seq


def deleted(tx: Tx, one: Captured, *, by: str) -> int:
    """Somebody deleted it in Slack: the timeline says so, and keeps what it said."""
    incidents.locked(tx, one.incident)
    body = {"event": one.event, "channel": one.channel, "ts": one.ts}
    (seq,) = timeline.append(tx, one.incident, Entry("capture.deleted", by, body))
    _change(tx, one, state=DELETED)
    return seq


def moment(ts: str) -> datetime:
    """When a message was written: its name in Slack is a time."""
    return datetime.fromtimestamp(float(ts), UTC)


def _change(tx: Tx, one: Captured, **values: Any) -> None:
    mine = (captures.c.channel == one.channel, captures.c.ts == one.ts, captures.c.incident == one.incident)
    tx.conn.execute(update(captures).where(*mine).values(**values, at=tx.now))
