"""The deadline of a decision of two people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from storage import decisions
from storage.tables_guard import decisions as rows
from tests.commands.playbook.conftest import opened


async def test_silence_is_a_refusal(talk: Any, fire: Any) -> None:
    made = await opened(talk)
    await fire("decision D-1")
    assert (await talk.read(lambda tx: decisions.get(tx, "D-1"))).state == "open"
    past = made.opened_at - timedelta(seconds=1)
    await talk.house.db.write(lambda tx: tx.conn.execute(update(rows).values(expires_at=past)))
    await fire("decision D-1")
    assert (await talk.read(lambda tx: decisions.get(tx, "D-1"))).state == "expired"
    assert len(await talk.events("org", "decision.expired")) == 1
