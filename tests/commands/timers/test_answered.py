"""Who was called for an approval is let sleep once it is decided."""

from __future__ import annotations

from commands.timers import answered
from storage.db import Database


async def test_an_approval_nobody_knows_starts_nothing(db: Database) -> None:
    """The real road, from a vote to the resolved page, is walked in tests/conversations/test_story.py."""

    class Nobody:
        engine = None

    await db.write(lambda tx: answered.act(tx, Nobody(), None, "INC-1/2/1"))  # type: ignore[arg-type]
