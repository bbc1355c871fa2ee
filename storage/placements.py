"""Where services are active: a record, written by the engine alone when a step that moves one was verified.

Belongs here: reading and adding moves. Does not belong here: which step may move a service (playbooks/engine), where a
service is meant to be (the policy's `site`, which counts until the first move).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from storage.db import Tx
from storage.tables_services import placements


@dataclass(frozen=True)
class Placement:
    """One move. number: 1 for a service's first; was: the site before, None where nothing said so; step: its idx."""

    service: str
    number: int
    site: str
    was: str | None
    run: str
    step: int
    at: datetime


def newest(tx: Tx, service: str) -> Placement | None:
    """The last move of a service, None when it never moved."""
    query = select(placements).where(placements.c.service == service).order_by(placements.c.number.desc()).limit(1)
    row = tx.conn.execute(query).mappings().one_or_none()
    return Placement(**row) if row is not None else None


def history(tx: Tx, service: str | None = None) -> list[Placement]:
    """Every move (of one service), oldest first."""
    query = select(placements).order_by(placements.c.at, placements.c.service, placements.c.number)
    if service is not None:
        query = query.where(placements.c.service == service)
    return [Placement(**row) for row in tx.conn.execute(query).mappings()]


def add(tx: Tx, *, service: str, site: str, was: str | None, run: str, step: int) -> Placement:
    """Record that a service is active at a site from now on."""
    before = newest(tx, service)
    made = Placement(service, before.number + 1 if before else 1, site, was, run, step, tx.now)
    tx.conn.execute(insert(placements).values(**made.__dict__))
    return made
