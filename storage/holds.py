"""Legal holds: a stream that must not be pruned, however old it is, until two people let it go.

Belongs here: these rows and their events. Does not belong here: who may decide (playbooks/engine/decisions), pruning
(retention.py). A stream has at most one hold at a time; earlier ones stay as rows. The database itself refuses to prune
a stream that is held (migration 0002).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from storage.db import Tx
from storage.incident_rows import Impossible
from storage.tables_guard import holds
from storage.timeline import Entry, append


@dataclass(frozen=True)
class Hold:
    """One hold. stream: "INC-42"; asked_by: a person; decision: "D-7" of the two people; until: None while it lasts."""

    stream: str
    since: datetime
    asked_by: str
    decision: str
    reason: str
    until: datetime | None


_COLUMNS = [holds.c[name] for name in Hold.__dataclass_fields__]


def place(tx: Tx, stream: str, *, asked_by: str, decision: str, reason: str, by: list[str]) -> Hold:
    """Hold a stream. by: who decided. Raises Impossible when it is held already."""
    if now := held(tx, stream):
        raise Impossible(f"{stream} has been held since {now.since:%d %b %Y} ({now.decision}); nothing was changed.",
                         todo=f"`/incident release incident={stream} <why>` asks for its end.")  # fmt: skip
    made = Hold(stream, tx.now, asked_by, decision, reason, None)
    tx.conn.execute(insert(holds).values(**made.__dict__))
    body = {"decision": decision, "asked_by": asked_by, "by": sorted(by)}
    append(tx, stream, Entry("hold.placed", asked_by, body, {"reason": reason}))
    return made


def release(tx: Tx, stream: str, *, asked_by: str, decision: str, reason: str, by: list[str]) -> Hold:
    """Let a stream go. by: who decided. Raises Impossible when it is not held."""
    found = held(tx, stream)
    if found is None:
        raise Impossible(f"{stream} is not held; nothing was changed.",
                         todo=f"`/incident hold incident={stream} <why>` asks for a hold.")  # fmt: skip
    mine = (holds.c.stream == stream, holds.c.since == found.since)
    tx.conn.execute(update(holds).where(*mine).values(until=tx.now))
    body = {"decision": decision, "asked_by": asked_by, "by": sorted(by), "placed_by": found.decision}
    append(tx, stream, Entry("hold.released", asked_by, body, {"reason": reason}))
    return found


def held(tx: Tx, stream: str) -> Hold | None:
    """The hold that lasts now, or None."""
    row = tx.conn.execute(select(*_COLUMNS).where(holds.c.stream == stream, holds.c.until.is_(None))).mappings().first()
    return Hold(**row) if row else None


def all_held(tx: Tx) -> dict[str, Hold]:
    """Every hold that lasts now, by stream."""
    rows = tx.conn.execute(select(*_COLUMNS).where(holds.c.until.is_(None)).order_by(holds.c.since)).mappings()
    return {row["stream"]: Hold(**row) for row in rows}
