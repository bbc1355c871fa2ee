"""Incident rows as types, the table of legal status changes, and reading them.

Belongs here: Incident, RoleHeld, MOVES, queries. Does not belong here: any change of a row (storage/incidents.py, which
hands out everything of this file too).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select

from storage.db import Tx
from storage.sql import find
from storage.tables import incidents
from storage.tables import roles as role_rows

# Status -> the statuses it may become. What is not here cannot happen; what ended is only opened again, by a person.
MOVES: dict[str, frozenset[str]] = {
    "investigating": frozenset({"identified", "mitigated", "monitoring", "resolved", "cancelled"}),
    "identified": frozenset({"investigating", "mitigated", "monitoring", "resolved", "cancelled"}),
    "mitigated": frozenset({"investigating", "identified", "monitoring", "resolved", "cancelled"}),
    "monitoring": frozenset({"investigating", "identified", "mitigated", "resolved", "cancelled"}),
    "resolved": frozenset({"investigating"}),
    "cancelled": frozenset({"investigating"}),
}
ENDED = ("resolved", "cancelled")
OPEN = tuple(status for status in MOVES if status not in ENDED)


class Impossible(Exception):
    """The record says no: nothing was written. message says why, todo what to do instead; both for people."""

    def __init__(self, message: str, *, todo: str = "") -> None:
        super().__init__(f"{message} {todo}".strip())
        self.message = message
        self.todo = todo


@dataclass(frozen=True)
class Incident:
    """One incident row. id: "INC-42"; declared_by, acknowledged_by, ended_by: person ids; facts: what steps learned."""

    id: str
    number: int
    kind: str
    type: str
    private: bool
    title: str
    severity: str
    status: str
    service: str | None
    site: str | None
    declared_by: str
    declared_at: datetime
    detected_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    decided_at: datetime | None
    restored_at: datetime | None
    resolved_at: datetime | None
    ended_by: str | None
    resolution: str | None
    latest_update: str | None
    latest_update_at: datetime | None
    latest_update_status: str | None
    update_due_at: datetime | None
    facts: dict[str, Any]
    origin_channel: str | None
    revision: int

    @property
    def open(self) -> bool:
        """Whether it is still going on."""
        return self.status in OPEN

    @property
    def channel(self) -> str | None:
        """Slack id of its channel, once a step has opened it."""
        found = self.facts.get("channel")
        return str(found) if found else None


@dataclass(frozen=True)
class RoleHeld:
    """Who wears a hat. interim: until somebody takes or is given it properly."""

    role: str
    person: str
    interim: bool
    since: datetime


_COLUMNS = [incidents.c[f.name] for f in fields(Incident)]
_NAMES = tuple(f.name for f in fields(Incident))
_ROLE = tuple(f.name for f in fields(RoleHeld))


def get(tx: Tx, incident: str, *, lock: bool = False) -> Incident | None:
    """One incident, or None; with `lock` its row is held until the transaction ends (first in the lock order)."""
    row = find(tx, incidents, _NAMES, {"id": incident}, lock=lock).first()
    return Incident(*row) if row else None


def by_channel(tx: Tx, channel: str) -> Incident | None:
    """The incident whose channel this is (the latest, should there be several), or None."""
    mine = incidents.c.facts["channel"].as_string() == channel
    row = tx.conn.execute(select(*_COLUMNS).where(mine).order_by(incidents.c.number.desc()).limit(1)).mappings().first()
    return Incident(**row) if row else None


def by_fact(tx: Tx, names: Iterable[str], values: Iterable[str]) -> Incident | None:
    """The latest incident one of whose named facts is one of these values (the page a webhook speaks of)."""
    wanted = [value for value in values if value]
    for name in names if wanted else ():
        mine = incidents.c.facts[name].as_string().in_(wanted)
        query = select(*_COLUMNS).where(mine).order_by(incidents.c.number.desc()).limit(1)
        if row := tx.conn.execute(query).mappings().first():
            return Incident(**row)
    return None


def open_ones(tx: Tx) -> list[Incident]:
    """Every incident that is going on, newest first."""
    query = select(*_COLUMNS).where(incidents.c.status.in_(OPEN)).order_by(incidents.c.number.desc())
    return [Incident(**row) for row in tx.conn.execute(query).mappings()]


def latest(tx: Tx, *, limit: int, before: int | None = None) -> list[Incident]:
    """Incidents of any status, newest first; `before`: only those with a smaller number (paging)."""
    query = select(*_COLUMNS).order_by(incidents.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(incidents.c.number < before)
    return [Incident(**row) for row in tx.conn.execute(query).mappings()]


def roles_of(tx: Tx, incident: str) -> list[RoleHeld]:
    """Who wears which hat, longest first."""
    held = [RoleHeld(*row) for row in find(tx, role_rows, _ROLE, {"incident": incident})]
    return sorted(held, key=lambda one: (one.since, one.role))


def roles(tx: Tx, incident: str) -> dict[str, RoleHeld]:
    """The same by the role's name."""
    return {held.role: held for held in roles_of(tx, incident)}


def moves_to(incident: Incident, status: str) -> str:
    """The status, if the table has that move. Raises Impossible with words."""
    if status in MOVES[incident.status]:
        return status
    if not incident.open:
        at = f" at {incident.resolved_at:%H:%M} UTC" if incident.resolved_at else ""
        raise Impossible(
            f"{incident.id} was {incident.status}{at} and stays so; nothing was changed.",
            todo=f"If it is back: `/incident reopen incident={incident.id} <reason>`.",
        )
    could = ", ".join(sorted(MOVES[incident.status]))
    raise Impossible(f"{incident.id} is {incident.status}; it cannot become {status} (it can become {could}).")
