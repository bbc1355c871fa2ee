"""Timers: times at which something must be looked at, as rows, on the database clock. They survive restarts.

Belongs here: set, cancel, take what is due. Does not belong here: what happens then (bot/clock turns them into asks).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from storage.db import Tx
from storage.sql import insert_or, skip_locked
from storage.tables import timers


@dataclass(frozen=True)
class Timer:
    """One timer. kind names what is due ("update", "acknowledge"); subject: incident or approval id."""

    kind: str
    subject: str
    due_at: datetime
    payload: dict[str, Any]


def set(tx: Tx, kind: str, subject: str, due_at: datetime, payload: Mapping[str, Any] | None = None) -> None:
    """Set (or move) the one timer of this kind and subject."""
    row = {"kind": kind, "subject": subject, "due_at": due_at, "payload": dict(payload or {}), "state": "pending"}
    statement = insert_or(tx, timers).values(row)
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=[timers.c.kind, timers.c.subject],
            set_={"due_at": due_at, "payload": row["payload"], "state": "pending"},
        )
    )
    tx.hint("timers")


def sooner(tx: Tx, kind: str, subject: str, due_at: datetime) -> None:
    """Set it, or move it forward with what it carries; one that is pending and due no later stays as it is."""
    mine = (timers.c.kind == kind, timers.c.subject == subject, timers.c.state == "pending")
    row = tx.conn.execute(select(timers.c.due_at, timers.c.payload).where(*mine)).first()
    if row is None or due_at < row.due_at:
        set(tx, kind, subject, due_at, row.payload if row else None)


def ensure(tx: Tx, kind: str, subject: str, due_at: datetime, payload: Mapping[str, Any] | None = None) -> None:
    """Set it unless it is pending: what happens once a day is not put off by a restart."""
    query = select(timers.c.state).where(timers.c.kind == kind, timers.c.subject == subject)
    if tx.conn.execute(query).scalar() != "pending":
        set(tx, kind, subject, due_at, payload)


def cancel(tx: Tx, kind: str, subject: str) -> None:
    """Cancel it, if it is pending."""
    mine = (timers.c.kind == kind, timers.c.subject == subject, timers.c.state == "pending")
    tx.conn.execute(update(timers).where(*mine).values(state="cancelled"))


def pending_of(tx: Tx, subject: str) -> list[Timer]:
    """What is still to come for this subject ("INC-1") and for what belongs to it ("INC-1/gdpr"), the next first."""
    mine = or_(timers.c.subject == subject, timers.c.subject.startswith(f"{subject}/", autoescape=True))
    query = select(timers).where(timers.c.state == "pending", mine).order_by(timers.c.due_at, timers.c.kind)
    rows = tx.conn.execute(query).mappings()
    return [Timer(row["kind"], row["subject"], row["due_at"], row["payload"]) for row in rows]


def escalates_at(tx: Tx, incident: str) -> datetime | None:
    """When the next layer is called unless somebody acknowledges the page; None where that clock runs no more."""
    mine = (one for one in pending_of(tx, incident) if one.kind == "acknowledge" and one.subject == incident)
    return next((one.due_at for one in mine if not one.payload.get("called", one.payload.get("rung"))), None)


def now(tx: Tx, subject: str) -> None:
    """Whatever waits for this subject looks now: what it waited for has ended. Each pending timer is pulled forward."""
    mine = (timers.c.subject == subject, timers.c.state == "pending", timers.c.due_at > tx.now)
    if tx.conn.execute(update(timers).where(*mine).values(due_at=tx.now)).rowcount:
        tx.hint("timers")


def take_due(tx: Tx, *, limit: int = 50) -> list[Timer]:
    """Timers that are due, marked fired: store their asks in this same transaction."""
    query = select(timers).where(timers.c.state == "pending", timers.c.due_at <= tx.now).order_by(timers.c.due_at)
    rows = tx.conn.execute(skip_locked(query.limit(limit))).mappings().all()
    for row in rows:
        mine = (timers.c.kind == row["kind"], timers.c.subject == row["subject"])
        tx.conn.execute(update(timers).where(*mine).values(state="fired"))
    return [Timer(row["kind"], row["subject"], row["due_at"], row["payload"]) for row in rows]
