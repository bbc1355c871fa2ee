"""Retention: which streams are past their time, and taking one out of the record whole.

Belongs here: finding them, the row in `pruned` that deletes a stream (migration 0002 does the deleting, whole or not at
all), and what else of an incident goes with it. Does not belong here: writing the export (bot/pruning.py does that
before), holds (holds.py). What stays of a pruned incident: its number, kind, times and severity, the first and last
digest on the `org` stream, and the SHA-256 of the file it was exported to.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update

from storage import timers
from storage.db import Tx
from storage.incident_rows import Impossible
from storage.tables import (
    approvals,
    cards,
    documents,
    inbox,
    incidents,
    locks,
    replies,
    roles,
    runs,
    steps,
    streams,
    texts,
    votes,
)
from storage.tables_captures import captures
from storage.tables_guard import decisions, holds, pruned, reviews
from storage.tables_triage import alerts, triage
from storage.timeline import ORG, Entry, Head, append

ROLE = "muster_pruner"
ENDED = ("resolved", "cancelled")
GONE = "(pruned)"


@dataclass(frozen=True)
class Due:
    """A stream past its time. head: where it ends; ended_at: of its incident; held: D-7 of the hold on it, or None."""

    stream: str
    head: Head
    ended_at: datetime
    held: str | None


@dataclass(frozen=True)
class Pruned:
    """A stream that left the record. seq, hash: its last event; sha256: of the export in `file`."""

    stream: str
    seq: int
    hash: str
    sha256: str
    file: str
    at: datetime


def before(now: datetime, months: int) -> datetime:
    """So many calendar months before; the last day of a shorter month stands for days it does not have."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    day = min(now.day, calendar.monthrange(year, month + 1)[1])
    return now.replace(year=year, month=month + 1, day=day)


def after(now: datetime, months: int) -> datetime:
    """So many calendar months later, by the same rule."""
    return before(now, -months)


def due(tx: Tx, months: int) -> list[Due]:
    """Streams of incidents that ended longer ago than that and are still here, oldest first; held ones too, marked."""
    query = (
        select(incidents.c.id, incidents.c.resolved_at, streams.c.seq, streams.c.hash, holds.c.decision)
        .join(streams, streams.c.name == incidents.c.id)
        .outerjoin(holds, (holds.c.stream == incidents.c.id) & holds.c.until.is_(None))
        .outerjoin(pruned, pruned.c.stream == incidents.c.id)
        .where(incidents.c.status.in_(ENDED), incidents.c.resolved_at < before(tx.now, months))
        .where(pruned.c.stream.is_(None))
        .order_by(incidents.c.number)
    )
    return [
        Due(row.id, Head(row.id, row.seq, row.hash), row.resolved_at, row.decision) for row in tx.conn.execute(query)
    ]


def become_pruner(tx: Tx) -> None:
    """Take the role that may delete, for this transaction. Raises Impossible when this login may not (PostgreSQL)."""
    if tx.sqlite:
        return  # no roles there: whoever may write the file may prune, by the same triggers
    query = text(
        "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :role AND pg_has_role(session_user, oid, 'MEMBER'))"
    )
    if not tx.conn.execute(query, {"role": ROLE}).scalar():
        raise Impossible(
            f"This database login is not a member of {ROLE}: it cannot delete anything of the record.",
            todo="`muster grants` prints the SQL; run `muster prune` with the login that got that role.",
        )
    tx.conn.execute(text(f"SET LOCAL ROLE {ROLE}"))


def prune(tx: Tx, stream: str, *, head: Head, erased: int, sha256: str, file: str, by: str = "muster") -> None:
    """Take a stream out of the record, whole; the org stream says so. head, erased: what the export in `file` holds.

    Raises Impossible when the stream has grown, or a text of it was erased, since it was exported. Call
    `become_pruner` first.
    """
    found = tx.conn.execute(select(streams.c.seq, streams.c.hash).where(streams.c.name == stream).with_for_update())
    row = found.first()
    if row is None or (row.seq, row.hash) != (head.seq, head.hash) or erased_texts(tx, stream) != erased:
        raise Impossible(f"{stream} has changed since it was exported: it was not pruned.", todo="Run it once more.")
    _let_go(tx, stream)
    told = {"stream": stream, "seq": head.seq, "hash": head.hash, "sha256": sha256}
    append(tx, ORG, Entry("stream.pruned", by, told))
    values = {"stream": stream, "seq": head.seq, "hash": head.hash, "sha256": sha256, "file": file, "at": tx.now}
    tx.conn.execute(insert(pruned).values(values))
    timers.set(tx, "anchor", ORG, tx.now)  # what the org stream now says of it is anchored outside at once


def erased_texts(tx: Tx, stream: str) -> int:
    """How many texts of a stream were erased."""
    query = select(func.count()).select_from(texts).where(texts.c.stream == stream, texts.c.erased_at.is_not(None))
    return int(tx.conn.execute(query).scalar_one())


def _let_go(tx: Tx, stream: str) -> None:
    """What stands beside the chain goes with it; of the incident only what the population counts stays."""
    mine = select(runs.c.id).where(runs.c.stream == stream)
    asked = select(approvals.c.id).where(approvals.c.run.in_(mine))
    for statement in (
        delete(reviews).where(reviews.c.run.in_(mine)),
        delete(votes).where(votes.c.approval.in_(asked)),
        delete(approvals).where(approvals.c.run.in_(mine)),
        delete(locks).where(locks.c.run.in_(mine)),
        delete(steps).where(steps.c.run.in_(mine)),
        delete(runs).where(runs.c.stream == stream),
        delete(roles).where(roles.c.incident == stream),
        delete(cards).where(cards.c.stream == stream),
        delete(captures).where(captures.c.incident == stream),
        delete(documents).where(documents.c.stream == stream),
        update(decisions).where(decisions.c.stream == stream).values(reason=None),
        update(holds).where(holds.c.stream == stream).values(reason=GONE),
        update(incidents).where(incidents.c.id == stream).values(
            title=GONE, resolution=None, latest_update=None, facts={}, origin_channel=None,
            revision=incidents.c.revision + 1,
        ),
    ):  # fmt: skip
        tx.conn.execute(statement)


def forget_asks(tx: Tx, months: int) -> int:
    """Delete settled asks, sent answers and alerts long dealt with; returns how many rows of asks and answers.

    Call `become_pruner` first.
    """
    limit = before(tx.now, months)
    settled = inbox.c.state.in_(("done", "refused", "dead"))
    asks = tx.conn.execute(delete(inbox).where(settled, inbox.c.received_at < limit)).rowcount
    told = select(triage.c.id).where(triage.c.state != "open", triage.c.changed_at < limit)
    tx.conn.execute(delete(alerts).where(alerts.c.triage.in_(told)))
    tx.conn.execute(delete(alerts).where(alerts.c.triage.is_(None), alerts.c.told_at < limit))
    tx.conn.execute(delete(triage).where(triage.c.id.in_(told)))
    ended = replies.c.state.in_(("sent", "lost"))
    return asks + tx.conn.execute(delete(replies).where(ended, replies.c.created_at < limit)).rowcount


def of(tx: Tx, stream: str) -> Pruned | None:
    """What is known of a stream that left the record; None for one that did not."""
    row = tx.conn.execute(select(pruned).where(pruned.c.stream == stream)).mappings().first()
    return Pruned(**row) if row else None


def all_pruned(tx: Tx) -> dict[str, Pruned]:
    """Everything that left the record, by stream."""
    rows: Any = tx.conn.execute(select(pruned).order_by(pruned.c.at, pruned.c.stream)).mappings()
    return {row["stream"]: Pruned(**row) for row in rows}
