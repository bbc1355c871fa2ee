"""Legal holds: one at a time, told on the stream, and stronger than age."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert

from storage import holds, incidents, timeline
from storage.db import Database, Tx
from storage.incident_rows import Impossible
from storage.tables_guard import decisions


def decided(tx: Tx, id: str) -> str:
    """A decision's row, as playbooks/engine/deciding.py leaves it."""
    row: dict[str, Any] = {"id": id, "kind": "hold", "subject": "INC-1", "body": {}, "digest": "d", "rule": {}}
    row |= {"stream": "INC-1", "asked_by": "P-ANA", "state": "done", "opened_at": tx.now, "expires_at": tx.now}
    tx.conn.execute(insert(decisions).values(row))
    return id


async def test_held_once_and_let_go_once(db: Database, past: Callable[..., str]) -> None:
    def work(tx: Tx) -> None:
        stream = past(tx)
        holds.place(tx, stream, asked_by="P-ANA", decision=decided(tx, "D-1"), reason="case 7", by=["P-BEN", "P-CHI"])
        assert holds.held(tx, stream) and list(holds.all_held(tx)) == [stream]
        with pytest.raises(Impossible, match="held since"):
            holds.place(tx, stream, asked_by="P-ANA", decision="D-1", reason="again", by=[])
        holds.release(tx, stream, asked_by="P-BEN", decision=decided(tx, "D-2"), reason="closed", by=["P-ANA"])
        assert holds.held(tx, stream) is None
        with pytest.raises(Impossible, match="not held"):
            holds.release(tx, stream, asked_by="P-BEN", decision="D-2", reason="again", by=[])
        told = [(e.type, e.text("reason")) for e in timeline.read(tx, stream) if e.type.startswith("hold.")]
        assert told == [("hold.placed", "case 7"), ("hold.released", "closed")]
        assert incidents.get(tx, stream) is not None

    await db.write(work)
