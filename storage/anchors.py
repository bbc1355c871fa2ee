"""Anchors: which heads of streams stand outside the database, where, and which places do not take them now.

Belongs here: rows and events of anchors, which heads are due, what a head is called. Does not belong here: carrying
them out (steps of `record/anchor`), when (commands/timers/anchor.py), holding a stream against them (verify.py).

A row is written after the place has taken the head. It helps to find the anchor again; it proves nothing, since it
stands in the very database that may be rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select

from storage import timeline, timers
from storage.db import Tx
from storage.sql import insert_or
from storage.tables import events, incidents, streams
from storage.tables import timers as timer_rows
from storage.tables_guard import anchors
from storage.timeline import ORG, Entry, Head

TIMER, ALL = "anchor", "all"
OPEN_PLACES = ("slack",)  # which people read who may not know of a private incident
AT_ONCE = 30  # heads in one run: what fits into one Slack message


@dataclass(frozen=True)
class Anchor:
    """One head in one place. ref: where it is there (a message, a file, an object); run: which carried it."""

    stream: str
    seq: int
    place: str
    hash: str
    ref: str | None
    run: str | None
    at: datetime


def name_of(head: Head) -> str:
    """`INC-42@41:sha256:…`: as anchors are written, typed and read by `muster verify --anchor`."""
    return f"{head.stream}@{head.seq}:sha256:{head.hash}"


def arm(tx: Tx) -> None:
    """Have somebody look which heads are due, unless somebody will."""
    query = select(timer_rows.c.state).where(timer_rows.c.kind == TIMER, timer_rows.c.subject == ALL)
    if tx.conn.execute(query).scalar() != "pending":
        timers.set(tx, TIMER, ALL, tx.now)


def now(tx: Tx, stream: str) -> None:
    """Have this stream's head anchored at once: something happened that must not be rewritten."""
    timers.set(tx, TIMER, stream, tx.now)


def due(tx: Tx, places: Sequence[str], *, org_every: timedelta, limit: int = AT_ONCE) -> list[Head]:
    """Heads that one of these places does not have; the one of `org`, which moves with every anchor, when its last is
    older than that. Private incidents are not looked for in OPEN_PLACES."""
    if not places:
        return []
    there = select(func.count(func.distinct(anchors.c.place)))
    there = there.where(anchors.c.stream == streams.c.name, anchors.c.seq >= streams.c.seq, anchors.c.place.in_(places))
    wanted = case((incidents.c.private.is_(True), len(for_private(places))), else_=len(places))
    query = select(streams.c.name, streams.c.seq, streams.c.hash).outerjoin(incidents, incidents.c.id == streams.c.name)
    query = query.where(streams.c.name != ORG, streams.c.seq > 0, there.scalar_subquery() < wanted)
    found = [Head(*row) for row in tx.conn.execute(query.order_by(streams.c.name).limit(limit))]
    last = tx.conn.execute(select(func.max(anchors.c.at)).where(anchors.c.stream == ORG)).scalar()
    own = timeline.head(tx, ORG)
    if own.seq and (last is None or tx.now - last >= org_every) and len(found) < limit:
        found.append(own)
    return found


def for_private(places: Sequence[str]) -> list[str]:
    """The places that may know that there is a private incident at all."""
    return [place for place in places if place not in OPEN_PLACES]


def has(tx: Tx, head: Head, places: Sequence[str]) -> bool:
    """Whether all of these places have this head, or a later one."""
    query = select(func.count(func.distinct(anchors.c.place)))
    query = query.where(anchors.c.stream == head.stream, anchors.c.seq >= head.seq, anchors.c.place.in_(places))
    return (tx.conn.execute(query).scalar() or 0) >= len(places)


def keep(tx: Tx, heads: Iterable[Head], refs: Mapping[str, str], run: str) -> None:
    """These places took these heads. refs: place -> where it is there. Writes to the `org` stream, locked last."""
    entries = []
    for head in heads:
        for place, ref in refs.items():
            row = {"stream": head.stream, "seq": head.seq, "place": place, "hash": head.hash, "ref": ref, "run": run}
            statement = insert_or(tx, anchors).values(**row, at=tx.now)
            tx.conn.execute(statement.on_conflict_do_nothing(index_elements=["stream", "seq", "place"]))
        body = {"stream": head.stream, "seq": head.seq, "hash": head.hash, "places": sorted(refs), "run": run}
        entries.append(Entry("stream.anchored", "muster", body))
    timeline.append(tx, ORG, *entries)


def of_stream(tx: Tx, stream: str) -> list[Anchor]:
    """Every anchor of a stream, by number and place."""
    query = select(*[anchors.c[name] for name in Anchor.__dataclass_fields__]).where(anchors.c.stream == stream)
    return [Anchor(*row) for row in tx.conn.execute(query.order_by(anchors.c.seq, anchors.c.place))]


def last(tx: Tx, stream: str) -> Anchor | None:
    """The latest head of a stream that any place has, None when none has."""
    held = of_stream(tx, stream)
    return held[-1] if held else None


def hash_of(tx: Tx, stream: str, seq: int) -> str | None:
    """The hash of one event as the database has it, None where there is no such event."""
    return tx.conn.execute(select(events.c.hash).where(events.c.stream == stream, events.c.seq == seq)).scalar()


# --- places that do not take them ------------------------------------------------------------------------------------


def broken(tx: Tx) -> dict[str, str]:
    """Places that did not take the last anchor: place -> why."""
    found: dict[str, str] = {}
    for event in timeline.read(tx, ORG, types=("anchor.broken", "anchor.mended")):
        place = str(event.body["place"])
        found.pop(place, None)
        if event.type == "anchor.broken":
            found[place] = event.text("error")
    return found


def told(tx: Tx, run: str, failed: Mapping[str, str], took: Iterable[str]) -> None:
    """Write down which places broke (place -> why) and which work again, each once."""
    known = broken(tx)
    entries = [
        Entry("anchor.broken", "muster", {"place": place, "run": run}, {"error": why})
        for place, why in sorted(failed.items()) if place not in known
    ]  # fmt: skip
    entries += [
        Entry("anchor.mended", "muster", {"place": place, "run": run}) for place in sorted(took) if place in known
    ]
    if entries:
        timeline.append(tx, ORG, *entries)
