"""The demo ends with evidence that really was checked: what does not fit is said, not printed over."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from bot.demo_evidence import evidence
from storage import incidents
from storage.db import Database, Tx


async def test_the_pack_is_checked_by_what_it_brings_along(db: Database, tmp_path: Path) -> None:
    await db.write(lambda tx: incidents.open_incident(tx, title="checkout is down", severity="sev1", by="P-1"))
    good, said = await evidence(db, "INC-1", tmp_path / "INC-1.zip")
    assert good and said.startswith("GOOD INC-1: 1 events fit, head sha256:") and "\n" not in said
    assert (tmp_path / "INC-1.zip").stat().st_size > 5_000

    def bend(tx: Tx) -> None:
        if tx.sqlite:
            tx.conn.execute(text("DROP TRIGGER events_refuse_update"))
        else:
            tx.conn.execute(text("ALTER TABLE events DISABLE TRIGGER ALL"))
        tx.conn.execute(text("UPDATE events SET actor = 'P-EVE' WHERE stream = 'INC-1'"))

    await db.write(bend)
    good, said = await evidence(db, "INC-1", tmp_path / "bent.zip")
    assert not good and said.startswith("BAD") and "event 1 of INC-1" in said
