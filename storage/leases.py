"""Leases: one holder at a time for a named duty, on the database clock, with a fencing number that only rises.

Belongs here: take, renew, release, and replica heartbeats. Does not belong here: the leases of runs (storage/runs.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select, update

from storage.db import Tx
from storage.sql import insert_or, later
from storage.tables import leases, replicas


def take(tx: Tx, name: str, owner: str, *, lease_s: float = 8.0) -> int | None:
    """Take or renew the lease: its fencing number, or None while somebody else holds it."""
    until = later(tx, lease_s)
    first = insert_or(tx, leases).values(name=name, owner=owner, fence=1, until=until)
    first = first.on_conflict_do_nothing(index_elements=[leases.c.name])
    if tx.conn.execute(first.returning(leases.c.name)).scalar():
        return 1
    held = (leases.c.name == name, leases.c.owner == owner, leases.c.until >= tx.now)
    renewed = tx.conn.execute(update(leases).where(*held).values(until=until).returning(leases.c.fence)).scalar()
    if renewed is not None:
        return int(renewed)
    free = (leases.c.name == name, or_(leases.c.until < tx.now, leases.c.owner == owner))
    values = {"owner": owner, "until": until, "fence": leases.c.fence + 1}
    fence = tx.conn.execute(update(leases).where(*free).values(**values).returning(leases.c.fence)).scalar()
    return int(fence) if fence is not None else None


def held(tx: Tx, prefix: str) -> list[tuple[str, str, datetime]]:
    """Leases that somebody holds now and whose names begin so: (name, owner, until)."""
    query = select(leases.c.name, leases.c.owner, leases.c.until).order_by(leases.c.until)
    mine = (leases.c.name.startswith(prefix, autoescape=True), leases.c.until > tx.now)
    return [(row.name, row.owner, row.until) for row in tx.conn.execute(query.where(*mine))]


def release(tx: Tx, owner: str, names: Sequence[str] = ()) -> None:
    """Give back all leases of this owner (or the named ones), so that another replica need not wait."""
    query = update(leases).where(leases.c.owner == owner)
    if names:
        query = query.where(leases.c.name.in_(names))
    tx.conn.execute(query.values(until=tx.now))


def heartbeat(tx: Tx, name: str, *, loop_lag_s: float = 0.0) -> None:
    """Say that this replica lives. Its last heartbeat is shown when its step's outcome is lost."""
    statement = insert_or(tx, replicas).values(name=name, started_at=tx.now, heartbeat_at=tx.now, loop_lag_s=loop_lag_s)
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=[replicas.c.name], set_={"heartbeat_at": tx.now, "loop_lag_s": loop_lag_s}
        )
    )


def last_heartbeat(tx: Tx, name: str) -> datetime | None:
    """When this replica was last heard of."""
    return tx.conn.execute(select(replicas.c.heartbeat_at).where(replicas.c.name == name)).scalar()
