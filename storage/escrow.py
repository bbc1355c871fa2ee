"""Escrow: who an erased person was, sealed, for as long as what they approved must be answerable.

Belongs here: these rows, closing and opening them, their end, and the events of each. Does not belong here: erasing a
person (forgetting.py), who may open (playbooks/engine/decisions/open_escrow.py). Sealed with `MUSTER_KEY`: a database
alone does not say who it was. Opening takes a decision of two people, is good for one reading, and is an event.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from storage.db import Tx
from storage.incident_rows import Impossible
from storage.sealing import Seal, Unsealable
from storage.tables_guard import escrow
from storage.timeline import ORG, Entry, append


@dataclass(frozen=True)
class Kept:
    """One row. person: "P-…"; until: retention of what they approved ends; opened: may be read once now."""

    person: str
    sealed: str
    erased_at: datetime
    until: datetime
    opened: bool


def keep(tx: Tx, seal: Seal, person: str, who: dict[str, Any], until: datetime) -> None:
    """Seal who a person was. who: name, e-mail, accounts; JSON."""
    row = {"person": person, "sealed": seal.close(json.dumps(who, ensure_ascii=False)), "erased_at": tx.now,
           "until": until, "opened": False}  # fmt: skip
    tx.conn.execute(insert(escrow).values(row))


def get(tx: Tx, person: str) -> Kept | None:
    """The row of a person, or None."""
    row = tx.conn.execute(select(escrow).where(escrow.c.person == person)).mappings().first()
    return Kept(**row) if row else None


def known(tx: Tx, person: str) -> Kept:
    """The row of a person. Raises Impossible when nothing is kept of them (any more)."""
    if found := get(tx, person):
        return found
    raise Impossible(f"Nothing is kept of {person}: nobody of that id was erased, or retention has ended.")


def opened(tx: Tx, person: str, *, asked_by: str, decision: str, by: Sequence[str], reason: str) -> None:
    """Two people decided that it may be read, once. Raises Impossible when nothing is kept."""
    known(tx, person)
    tx.conn.execute(update(escrow).where(escrow.c.person == person).values(opened=True))
    body = {"person": person, "decision": decision, "asked_by": asked_by, "by": sorted(by)}
    append(tx, ORG, Entry("escrow.opened", asked_by, body, {"reason": reason}))


def read(tx: Tx, seal: Seal, person: str, *, reader: str) -> dict[str, Any]:
    """Who it was: name, e-mail, accounts. Closes it again and writes who read. reader: a person's id, or "muster".

    Raises Impossible when it was not opened, or another key sealed it.
    """
    found = known(tx, person)
    if not found.opened:
        raise Impossible(
            f"The escrow of {person} is closed: two people must open it first.",
            todo=f"`/playbook escrow {person} reason …` asks for that.",
        )
    try:
        who: dict[str, Any] = json.loads(seal.open(found.sealed))
    except Unsealable as error:
        raise Impossible(f"The escrow of {person} does not open: it was {error}.") from None
    mine = update(escrow).where(escrow.c.person == person, escrow.c.opened.is_(True)).values(opened=False)
    if tx.conn.execute(mine).rowcount != 1:
        raise Impossible(f"The escrow of {person} was just read by somebody else: it is closed again.")
    append(tx, ORG, Entry("escrow.read", reader, {"person": person}))
    return who


def expire(tx: Tx) -> list[str]:
    """Delete what is past its time; returns whose. Call `retention.become_pruner` first."""
    gone = sorted(tx.conn.execute(delete(escrow).where(escrow.c.until < tx.now).returning(escrow.c.person)).scalars())
    entries = [Entry("escrow.expired", "muster", {"person": person}) for person in gone]
    append(tx, ORG, *entries)
    return gone
