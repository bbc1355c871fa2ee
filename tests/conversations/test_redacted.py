"""Words that must go: typed by one, confirmed on the card by another, gone from the board, the record and its copies."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from storage.db import Tx
from storage.tables import metadata

BEN, CHI = "U0BEN", "U0CHI"
WORDS = "Jon Moeller cannot pay"


def everything(tx: Tx) -> str:
    """All that the database holds, as one text."""
    rows = [row for table in metadata.sorted_tables for row in tx.conn.execute(select(table)).all()]
    return "\n".join(str(value) for row in rows for value in row)


async def test_a_title_is_redacted_by_two_and_every_card_shows_it(town: Any, muster: Any) -> None:
    channel = await town.declared(f"sev1 {WORDS} service=checkout")
    await town.says(BEN, channel, f"/incident note {WORDS}, says support", "Noted")
    assert any("Moeller" in message.plain for message in await town.sb.messages(channel, BEN))
    await town.says(BEN, channel, "/incident redact 1 a customer's name", "1 more of 2 must confirm")
    card = await town.sb.wait_for(channel, lambda m: m.button("Confirm") is not None and not m.ephemeral_for)
    assert "Moeller" not in card.plain
    await town.presses(CHI, channel, "Confirm", card, "are erased")

    async def redrawn() -> bool:
        shown = [m.plain for m in await town.sb.messages(channel) if m.button("Resolve")]
        told = [m.plain for m in await town.sb.messages("#incidents")]
        return (
            bool(shown)
            and all("(erased)" in text and "Moeller" not in text for text in shown)
            and bool(told)
            and all("Moeller" not in text for text in told)
        )

    await town.sb.wait_until(redrawn)
    (event,) = await town.events("INC-1", "text.redacted")
    assert event.body["of"] == "incident.declared" and event.body["also"], "the note held the same words"
    await town.read(_gone)
    await town.proven()


def _gone(tx: Tx) -> None:
    left = [line for line in everything(tx).splitlines() if "moeller" in line.lower()]
    assert left == []
